import assert from "node:assert/strict";
import { test } from "node:test";
import { SegmentMerge } from "../../../coordinator/merge/segment-merge.ts";
import { probeView } from "../../../coordinator/run/probe-view.ts";
import type { ProbeView } from "../../../coordinator/show/result.ts";
import { VALID } from "../../../coordinator/validity/validity.ts";
import { Histogram } from "../../../shared/measurement/histogram.ts";
import { type Interval, ZERO_ACTIVITY } from "../../../shared/measurement/interval.ts";
import type { Segment } from "../../../shared/segment/segment.ts";
import { NO_COUNTERS } from "../../support/sample-report.ts";

const S = 1e9;

const SEGMENT: Segment = {
  number: 1,
  mode: { kind: "open", arrivals: { kind: "constant", ratePerSecond: 10 } },
  startAtNs: 0,
  recordFromNs: 0,
  recordUntilNs: 1 * S,
  endByNs: 2 * S,
  requestsMax: 0,
  shares: ["a", "b"].map((agentId) => ({ agentId, capacity: 1 })),
};

function second(fired: number, ok: number, classes: Interval["classes"] = new Map()): Interval {
  return {
    segment: SEGMENT.number,
    fromNs: 0,
    toNs: S,
    recorded: true,
    counters: { ...NO_COUNTERS, scheduled: fired, fired, ok },
    clauses: [],
    exceedances: [],
    exceedancesCut: 0,
    activity: ZERO_ACTIVITY,
    classes,
  };
}

function viewOf(merge: SegmentMerge, active: readonly string[]): ProbeView {
  return probeView({
    driven: {
      request: { purpose: "measure", mode: SEGMENT.mode } as never,
      segment: SEGMENT,
      windowHash: "",
      judged: undefined,
      validity: VALID,
      judgedValidity: undefined,
      incarnation: 1,
      isCutOff: false,
    },
    merge,
    slo: [],
    firstStartAtNs: 0,
    sealedUntilNs: S,
    active,
  });
}

function countsWith(active: readonly string[]): { open: number; unknown: number; fired: number } {
  const merge = new SegmentMerge();
  merge.add("a", second(6, 5));
  merge.add("b", second(5, 2));
  const { open, unknown, fired } = viewOf(merge, active).countsByOutcome;
  return { open, unknown, fired };
}

test("what a lost agent had open is unknown, and open no more", () => {
  assert.deepEqual(countsWith(["a", "b"]), { fired: 11, open: 4, unknown: 0 });
  assert.deepEqual(countsWith(["a"]), { fired: 11, open: 1, unknown: 3 });
  assert.deepEqual(countsWith([]), { fired: 11, open: 0, unknown: 4 });
});

test("gaps of 0 are those of events that came in one read, of any agent", () => {
  const gapsOf = (...gapsNs: readonly number[]): Interval["classes"] => {
    const gap = new Histogram(1_000);
    for (const gapNs of gapsNs) gap.record(gapNs);
    return new Map([["default", new Map([["gap", gap]])]]);
  };
  const merge = new SegmentMerge();
  assert.equal(viewOf(merge, ["a"]).gapResolution, undefined);
  merge.add("a", second(1, 1, gapsOf(0, 1_000, 20_000_000)));
  merge.add("b", second(1, 1, gapsOf(0)));
  assert.deepEqual(viewOf(merge, ["a", "b"]).gapResolution, { inOneReadFraction: 0.5 });
});
