import assert from "node:assert/strict";
import { describe, test } from "node:test";
import fc from "fast-check";
import { arrivalsAt } from "../../../coordinator/plan/plan.ts";
import { sharesOf, splitSummary } from "../../../coordinator/plan/split.ts";
import { SHARE_PLACES_MAX, type Share, sharePlaces } from "../../../shared/arrivals/share.ts";
import type { Segment } from "../../../shared/segment/segment.ts";

const agentsOf = (...rates: readonly number[]): { agentId: string; cleanRatePerSecond: number }[] =>
  rates.map((cleanRatePerSecond, index) => ({ agentId: `a${index + 1}`, cleanRatePerSecond }));

describe("shares", () => {
  test("follow the clean rates, in tenths of the fastest", () => {
    const capacities = (...rates: readonly number[]): number[] =>
      sharesOf(agentsOf(...rates)).map((share) => share.capacity);
    assert.deepEqual(capacities(1_000, 510, 20), [10, 5, 1]);
    assert.deepEqual(capacities(2_900, 3_000), [10, 10]);
  });

  test("are equal as soon as one agent was not measured", () => {
    assert.deepEqual(
      sharesOf(agentsOf(1_000, 0)).map((share) => share.capacity),
      [1, 1],
    );
  });

  test("of thousands of agents are told more coarsely, so that the pattern stays within its bound", () => {
    const rates = Array.from({ length: 6_600 }, (_, index) => (index === 0 ? 700 : 1_000));
    assert.ok(sharePlaces(sharesOf(agentsOf(...rates))) <= SHARE_PLACES_MAX);
  });

  test("of any fleet make a pattern that can be built", () => {
    fc.assert(
      fc.property(
        fc.array(fc.double({ min: 1, max: 1e6, noNaN: true }), { minLength: 1, maxLength: 300 }),
        fc.constantFrom(1, 100),
        (rates, times) => {
          const agents = agentsOf(...Array.from({ length: times }, () => rates).flat());
          const shares = sharesOf(agents);
          assert.ok(sharePlaces(shares) <= SHARE_PLACES_MAX);
          assert.ok(shares.every((share) => share.capacity >= 1));
        },
      ),
      { numRuns: 30 },
    );
  });
});

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
    const alone = splitSummary(segmentOf(sharesOf(agentsOf(100))), 1);
    const three = splitSummary(segmentOf(sharesOf(agentsOf(1_000, 500, 100))), 1);
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
    const segment = segmentOf(sharesOf(agentsOf(100)));
    assert.notEqual(splitSummary(segment, 1).scheduleHash, splitSummary(segment, 2).scheduleHash);
  });

  test("of a closed mode has no schedule", () => {
    const closed = splitSummary(
      segmentOf(sharesOf(agentsOf(1, 1)), { kind: "closed", streams: 4 }),
      1,
    );
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
