import assert from "node:assert/strict";
import { test } from "node:test";
import { observe } from "../../../coordinator/merge/observation.ts";
import { SegmentMerge } from "../../../coordinator/merge/segment-merge.ts";
import type { SegmentRequest } from "../../../coordinator/search/procedure.ts";
import { Histogram } from "../../../shared/measurement/histogram.ts";
import { type Interval, ZERO_ACTIVITY } from "../../../shared/measurement/interval.ts";
import type { Segment } from "../../../shared/segment/segment.ts";
import { NO_COUNTERS } from "../../support/sample-report.ts";

const S = 1e9;

function ttftOf(...valuesNs: readonly number[]): Interval["classes"] {
  const ttft = new Histogram(1_000);
  const sendDelay = new Histogram(1_000);
  for (const valueNs of valuesNs) {
    ttft.record(valueNs);
    sendDelay.record(1_000);
  }
  return new Map([
    [
      "default",
      new Map([
        ["ttft", ttft],
        ["send_delay", sendDelay],
      ]),
    ],
  ]);
}

function delta(changes: Partial<Interval> = {}): Interval {
  return {
    segment: 1,
    fromNs: S,
    toNs: 2 * S,
    recorded: true,
    counters: { ...NO_COUNTERS, scheduled: 2, fired: 2, ok: 1 },
    classes: ttftOf(10_000),
    clauses: [{ total: 2, over: [1, 0] }],
    exceedances: [],
    exceedancesCut: 0,
    activity: { ...ZERO_ACTIVITY, sent: 2, inFlightEnd: 1 },
    ...changes,
  };
}

test("parts of one interval add up, whatever their order", () => {
  const parts: [string, Interval][] = [
    ["a", delta()],
    ["b", delta({ classes: ttftOf(20_000, 30_000) })],
    ["a", delta({ counters: { ...NO_COUNTERS, ok: 1 }, classes: ttftOf(40_000) })],
  ];
  const orders = [parts, [...parts].reverse()].map((order) => {
    const merge = new SegmentMerge();
    for (const [agentId, part] of order) merge.add(agentId, part);
    return merge;
  });
  for (const merge of orders) {
    assert.deepEqual(merge.counters, { ...NO_COUNTERS, scheduled: 4, fired: 4, ok: 3 });
    assert.equal(merge.open, 1);
    assert.equal(merge.intervals().length, 1);
    assert.deepEqual(merge.intervals()[0]?.clauses, [{ total: 6, over: [3, 0] }]);
    assert.equal(merge.intervals()[0]?.activity.sent, 6);
    assert.equal(merge.classes.get("default")?.get("ttft")?.sum, 100_000);
    assert.equal(merge.agents.get("a")?.sendDelay.count, 2);
    assert.equal(merge.agents.get("b")?.counters.fired, 2);
  }
});

test("what lies outside of the recorded window counts as load, and not as measured", () => {
  const merge = new SegmentMerge();
  merge.add("a", delta({ recorded: false }));
  assert.equal(merge.counters.fired, 2);
  assert.equal(merge.classes.size, 0);
  assert.equal(merge.agents.get("a"), undefined);
});

const REQUEST: SegmentRequest = {
  purpose: "probe",
  mode: { kind: "open", ratePerSecond: 2 },
  settleS: 1,
  recordS: 2,
  requestsMax: 0,
};

const SEGMENT: Segment = {
  number: 1,
  mode: { kind: "open", arrivals: { kind: "constant", ratePerSecond: 2 } },
  startAtNs: S,
  recordFromNs: 2 * S,
  recordUntilNs: 4 * S,
  endByNs: 24 * S,
  requestsMax: 0,
  shares: [{ agentId: "a", capacity: 1 }],
};

function observed(merge: SegmentMerge, sealedUntilNs: number) {
  return observe({
    request: REQUEST,
    segment: SEGMENT,
    merge,
    thresholdCounts: [2],
    sealedUntilNs,
    firstStartAtNs: 0,
    validity: "valid",
  });
}

test("a procedure sees only what every agent has sealed", () => {
  const merge = new SegmentMerge();
  merge.add("a", delta({ recorded: false }));
  merge.add("a", delta({ fromNs: 2 * S, toNs: 3 * S }));
  merge.add("b", delta({ fromNs: 3 * S, toNs: 4 * S }));
  const seen = observed(merge, 3 * S);
  assert.equal(seen.seconds.length, 2);
  assert.equal(seen.fired, 2);
  assert.deepEqual([seen.observedS, seen.recordedS, seen.elapsedS], [2, 1, 3]);
  assert.deepEqual(seen.clauses, [{ total: 2, over: [1, 0] }]);
});

test("a window without a request has its clauses too", () => {
  const { clauses, ttftMeanS } = observed(new SegmentMerge(), 3 * S);
  assert.deepEqual(clauses, [{ total: 0, over: [0, 0] }]);
  assert.equal(ttftMeanS, undefined);
});

test("a window is final once it is sealed and nothing of it is open", () => {
  const merge = new SegmentMerge();
  merge.add("a", delta({ fromNs: 2 * S, toNs: 3 * S }));
  assert.equal(observed(merge, 4 * S).final, false, "one is open");
  merge.add("a", delta({ fromNs: 2 * S, toNs: 3 * S, counters: { ...NO_COUNTERS, ok: 1 } }));
  assert.equal(observed(merge, 3 * S).final, false, "not sealed to its end");
  assert.equal(observed(merge, 4 * S).final, true);
});

test("a request that crossed several thresholds is told of once, at the highest", () => {
  const merge = new SegmentMerge();
  const crossing = { index: 7, intendedAtNs: 2.5 * S, clause: 0 };
  merge.add(
    "a",
    delta({
      fromNs: 2 * S,
      toNs: 3 * S,
      exceedances: [
        { ...crossing, level: 1 },
        { ...crossing, level: 3 },
        { ...crossing, level: 2 },
        { ...crossing, index: 8, intendedAtNs: 2.2 * S, level: 0 },
      ],
    }),
  );
  assert.deepEqual(observed(merge, 4 * S).exceedances, [
    { index: 8, intendedAtNs: 0.2 * S, clause: 0, level: 0 },
    { index: 7, intendedAtNs: 0.5 * S, clause: 0, level: 3 },
  ]);
});

test("what agents cut of their lists of exceedances adds up, of the recorded window", () => {
  const merge = new SegmentMerge();
  merge.add("a", delta({ exceedancesCut: 3 }));
  merge.add("b", delta({ exceedancesCut: 4 }));
  merge.add("a", delta({ fromNs: 2 * S, toNs: 3 * S, exceedancesCut: 10 }));
  merge.add("a", delta({ fromNs: 0, toNs: S, recorded: false, exceedancesCut: 100 }));
  assert.deepEqual(
    merge.intervals().map(({ exceedancesCut }) => exceedancesCut),
    [100, 7, 10],
  );
  assert.equal(observed(merge, 3 * S).exceedancesCut, 17);
  assert.equal(observed(merge, 2 * S).exceedancesCut, 7, "only what every agent has sealed");
});
