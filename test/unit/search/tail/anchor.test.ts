import assert from "node:assert/strict";
import { describe, test } from "node:test";
import type { SecondObserved } from "../../../../coordinator/search/procedure.ts";
import { raisedAnchor, saturatingOf } from "../../../../coordinator/search/tail/anchor.ts";
import { ANCHOR } from "../../../support/tail-blocks.ts";

function seconds(completedOk: readonly number[], inFlightEnd = 40): readonly SecondObserved[] {
  return completedOk.map((count, k) => ({
    fromS: k,
    toS: k + 1,
    scheduled: count,
    sent: count,
    firstTokens: count,
    completed: count,
    completedOk: count,
    waitingEnd: 20,
    inFlightEnd,
    waitingIntegralS: 20,
    inFlightIntegralS: inFlightEnd,
  }));
}

const BOUNDS = { settleS: 2, longestSettleS: 20, stretchS: 2 };

describe("saturation from a held backlog", () => {
  test("is the throughput once the backlog is in place", () => {
    // The first two seconds only fill the backlog.
    const steady = saturatingOf(seconds([5, 25, ...new Array<number>(20).fill(38)]), BOUNDS);
    assert.equal(steady.ratePerSecond, 38);
    assert.equal(steady.measuredS, 20);
    assert.ok(Math.abs(steady.relativeSd - Math.sqrt((1.5 * 38) / 20) / 38) < 1e-9);
    assert.ok(steady.turnedOver);
  });

  test("a batch that has not been turned over is waited for, and known less well", () => {
    const slow = saturatingOf(seconds(new Array<number>(30).fill(10), 400), BOUNDS);
    // 0.6 of 400 are served after 24 s, but 20 s are the longest settling.
    assert.equal(slow.measuredS, 10);
    assert.equal(slow.turnedOver, false);
    assert.ok(slow.relativeSd > 0.12 * (1 - 100 / 400));
  });

  test("is never known better than 2.5 %, and uneven stretches make it worse", () => {
    const even = saturatingOf(seconds(new Array<number>(200).fill(400)), BOUNDS);
    assert.equal(even.relativeSd, 0.025);
    const waves = Array.from({ length: 200 }, (_, k) => (k % 20 < 10 ? 100 : 700));
    assert.ok(saturatingOf(seconds(waves), BOUNDS).relativeSd > 0.05);
  });

  test("nothing served is no saturation", () => {
    assert.equal(saturatingOf(seconds(new Array<number>(30).fill(0)), BOUNDS).ratePerSecond, 0);
  });
});

test("an anchor that was refuted is raised by 12 %, and is as unsure", () => {
  const raised = raisedAnchor(ANCHOR);
  assert.ok(Math.abs(raised.ratePerSecond - 44.8) < 1e-9);
  assert.ok(Math.abs(raised.relativeSd - 0.12) < 1e-9);
  assert.equal(raised.raised, 1);
});
