import assert from "node:assert/strict";
import { test } from "node:test";
import { SegmentMerge } from "../../../coordinator/merge/segment-merge.ts";
import { probeView } from "../../../coordinator/run/probe-view.ts";
import { VALID } from "../../../coordinator/validity/validity.ts";
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

function second(fired: number, ok: number): Interval {
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
    classes: new Map(),
  };
}

function countsWith(active: readonly string[]): { open: number; unknown: number; fired: number } {
  const merge = new SegmentMerge();
  merge.add("a", second(6, 5));
  merge.add("b", second(5, 2));
  const view = probeView({
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
  const { open, unknown, fired } = view.countsByOutcome;
  return { open, unknown, fired };
}

test("what a lost agent had open is unknown, and open no more", () => {
  assert.deepEqual(countsWith(["a", "b"]), { fired: 11, open: 4, unknown: 0 });
  assert.deepEqual(countsWith(["a"]), { fired: 11, open: 1, unknown: 3 });
  assert.deepEqual(countsWith([]), { fired: 11, open: 0, unknown: 4 });
});
