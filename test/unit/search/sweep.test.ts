import assert from "node:assert/strict";
import { test } from "node:test";
import type { Observation, SegmentRequest, Step } from "../../../coordinator/search/procedure.ts";
import { sweepProcedure, type SweepState } from "../../../coordinator/search/sweep.ts";

const SWEEP = sweepProcedure({
  points: 4,
  durationS: 10,
  warmupS: 0,
  streams: 64,
  slo: [],
  thresholds: [],
  drainMaxS: 60,
});

/** A segment that is over: so many requests/s completed in its window, and then nothing more. */
function over(request: SegmentRequest, segment: number, completedPerSecond: number): Observation {
  const endS = request.settleS + request.recordS + 5;
  const seconds = Array.from({ length: endS }, (_, second) => ({
    fromS: second,
    toS: second + 1,
    scheduled: 0,
    sent: 0,
    firstTokens: 0,
    completed: completedPerSecond,
    // What drains behind the window does not belong to the load that held then.
    completedOk: second < request.settleS + request.recordS ? completedPerSecond : 999,
    waitingEnd: 0,
    inFlightEnd: 0,
    waitingIntegralS: 0,
    inFlightIntegralS: 0,
  }));
  return {
    request,
    segment,
    observedS: endS,
    seconds,
    recordedS: request.recordS,
    scheduled: 0,
    fired: 0,
    failed: 0,
    droppedInFlightBound: 0,
    clauses: [],
    exceedances: [],
    exceedancesCut: 0,
    ttftMeanS: undefined,
    e2eMeanS: undefined,
    e2eSdS: undefined,
    previous: undefined,
    validity: "valid",
    final: true,
    elapsedS: endS,
  };
}

function requestOf({ decision }: Step<SweepState>): SegmentRequest {
  assert.ok(decision.kind === "next", decision.kind);
  return decision.request;
}

/** The loads a sweep asks for, of a server that completes so much one at a time and so much at most. */
function loadsOf(floor: number, ceiling: number): readonly unknown[] {
  const loads: unknown[] = [];
  let step = SWEEP.begin();
  while (step.decision.kind === "next") {
    const { request } = step.decision;
    loads.push(request.mode.kind === "open" ? request.mode.ratePerSecond : request.mode.kind);
    const completed = loads.length === 1 ? floor : ceiling;
    step = SWEEP.advance(step.state, over(request, loads.length, completed));
  }
  assert.deepEqual(step.decision, { kind: "finished" });
  return loads;
}

test("one at a time, then full load, then rates evenly between what the two completed", () => {
  assert.deepEqual(loadsOf(10, 60), ["serial", "closed", 20, 30, 40, 50]);
});

test("a server that serves one request at a time gets its rates from nothing on", () => {
  assert.deepEqual(loadsOf(50, 50), ["serial", "closed", 10, 20, 30, 40]);
});

test("the full load fills the batch before its window is recorded", () => {
  const first = SWEEP.begin();
  const second = SWEEP.advance(first.state, over(requestOf(first), 1, 10));
  const { mode, settleS, recordS } = requestOf(second);
  assert.deepEqual(
    { mode, settleS, recordS },
    { mode: { kind: "closed", streams: 64 }, settleS: 2, recordS: 10 },
  );
});

test("a window that goes on is waited for, and a state is plain JSON", () => {
  const first = SWEEP.begin();
  const unfinished = { ...over(requestOf(first), 1, 10), observedS: 4, final: false };
  const step = SWEEP.advance(first.state, unfinished);
  assert.equal(step.decision.kind, "go-on");
  assert.deepEqual(step.state, JSON.parse(JSON.stringify(first.state)));
});

test("where nothing succeeds under full load there is nothing to divide, and it says so", () => {
  const first = SWEEP.begin();
  const second = SWEEP.advance(first.state, over(requestOf(first), 1, 10));
  const { decision } = SWEEP.advance(second.state, over(requestOf(second), 2, 0));
  assert.ok(decision.kind === "inconclusive", decision.kind);
  assert.match(decision.reason, /not one request succeeded/);
});
