import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { arrivalsAt } from "../../../coordinator/plan/plan.ts";
import { splitSummary } from "../../../coordinator/plan/split.ts";
import type { Share } from "../../../shared/arrivals/share.ts";
import type { Segment } from "../../../shared/segment/segment.ts";

const sharesOf = (...capacities: readonly number[]): readonly Share[] =>
  capacities.map((capacity, index) => ({ agentId: `a${index + 1}`, capacity }));

function segmentOf(shares: readonly Share[], mode?: Segment["mode"]): Segment {
  const arrivals = arrivalsAt({ kind: "poisson" }, { ratePerSecond: 200, durationS: 10 });
  return {
    number: 1,
    mode: mode ?? { kind: "open", arrivals },
    startAtNs: 0,
    recordFromNs: 0,
    recordUntilNs: 10e9,
    endByNs: 12e9,
    requestsMax: 0,
    shares,
  };
}

describe("the split of a segment", () => {
  test("adds up to the whole, and its hash does not depend on who shares it", () => {
    const alone = splitSummary(segmentOf(sharesOf(1)), 1);
    const three = splitSummary(segmentOf(sharesOf(10, 5, 1)), 1);
    assert.match(alone.scheduleHash!, /^[0-9a-f]{64}$/);
    assert.equal(three.scheduleHash, alone.scheduleHash);
    assert.equal(three.arrivals, alone.arrivals);
    assert.equal(
      three.shares.reduce((sum, share) => sum + share.arrivals, 0),
      alone.arrivals,
    );
    assert.deepEqual(
      three.shares.map((share) => share.fraction),
      [10 / 16, 5 / 16, 1 / 16],
    );
    assert.ok(Math.abs(three.shares[0]!.arrivals / alone.arrivals - 10 / 16) < 0.01);
  });

  test("of another seed has another hash", () => {
    const segment = segmentOf(sharesOf(1));
    assert.notEqual(splitSummary(segment, 1).scheduleHash, splitSummary(segment, 2).scheduleHash);
  });

  test("of a closed mode has no schedule", () => {
    const closed = splitSummary(segmentOf(sharesOf(1, 1), { kind: "closed", streams: 4 }), 1);
    assert.equal(closed.scheduleHash, null);
    assert.deepEqual(
      closed.shares.map((share) => share.arrivals),
      [0, 0],
    );
  });
});

test("a template takes its rate, and a ramp its length", () => {
  const at = { ratePerSecond: 5, durationS: 2 };
  assert.deepEqual(arrivalsAt({ kind: "constant" }, at), { kind: "constant", ratePerSecond: 5 });
  assert.deepEqual(arrivalsAt({ kind: "gamma", coefficientOfVariation: 2 }, at), {
    kind: "gamma",
    ratePerSecond: 5,
    coefficientOfVariation: 2,
  });
  assert.deepEqual(arrivalsAt({ kind: "ramp", fromRatePerSecond: 1, toRatePerSecond: 9 }, at), {
    kind: "ramp",
    fromRatePerSecond: 1,
    toRatePerSecond: 9,
    durationNs: 2e9,
  });
});
