import assert from "node:assert/strict";
import { test } from "node:test";
import { addCounters, type Counters, zeroCounters } from "../../../shared/measurement/counters.ts";
import type { IntervalReport } from "../../../shared/measurement/report.ts";
import type { Segment, SegmentMode } from "../../../shared/segment/segment.ts";
import { agentRunOn, segmentOfMode } from "../../support/agent-run.ts";
import { SimClock } from "../../support/sim-clock.ts";

const MS = 1e6;
const S = 1e9;

function idleSegment(number: number, startAtNs: number, recordUntilNs: number): Segment {
  return segmentOfMode({ kind: "idle" }, { number, startAtNs, recordUntilNs });
}

/** From 1 s to 6 s. */
function loadOf(mode: SegmentMode, number = 1): Segment {
  return segmentOfMode(mode, { number, startAtNs: S, recordUntilNs: 6 * S });
}

const TEN_A_SECOND: SegmentMode = {
  kind: "open",
  arrivals: { kind: "constant", ratePerSecond: 10 },
};

function countersOf(reports: readonly IntervalReport[]): Counters {
  return reports
    .flatMap(({ deltas }) => deltas)
    .reduce((sum, { counters }) => addCounters(sum, counters), zeroCounters());
}

test("a segment that starts just after the window before it leaves no report across the window's end", async () => {
  const clock = new SimClock();
  const { run, reports, arm, lease } = agentRunOn(clock, { lateNs: MS });
  const recordUntilNs = 3.2 * S;
  const nextAtNs = recordUntilNs + 0.4 * MS;
  const armed = arm(idleSegment(1, S, recordUntilNs));
  lease(1);
  await clock.advance(1.5 * S);
  await armed;
  const armedNext = arm(idleSegment(2, nextAtNs, 6 * S));
  lease(2);
  await clock.advance(3 * S);
  await armedNext;
  const covered = reports
    .map(({ health }) => health)
    .filter(({ fromNs, toNs }) => fromNs < nextAtNs && toNs > S);
  const across = covered.filter(
    ({ fromNs, toNs }) => fromNs < recordUntilNs && toNs > recordUntilNs,
  );
  assert.deepEqual(across, []);
  const coveredNs = covered
    .filter(({ toNs }) => toNs <= recordUntilNs)
    .reduce((sum, { fromNs, toNs }) => sum + toNs - fromNs, 0);
  assert.equal(coveredNs, recordUntilNs - S);
  await run.close();
});

test("a segment for the other endpoint is refused by a run that has one alone, and none of it starts", async () => {
  const clock = new SimClock();
  const { run, reports, arm, lease } = agentRunOn(clock);
  await assert.rejects(arm({ ...loadOf(TEN_A_SECOND), against: true }), {
    name: "LoadError",
    code: "LL_SEGMENT_AGAINST",
    exitCode: 4,
    message: /^segment 1 is for the other endpoint/,
  });
  lease(1);
  await clock.advance(5 * S);
  assert.deepEqual(reports, []);
  await run.close();
});

test("a lease of a segment that it was not given ends its firing at once: the run goes on without it", async () => {
  const clock = new SimClock();
  const { run, arm, lease } = agentRunOn(clock);
  const armed = arm(idleSegment(1, S, 30 * S));
  lease(1);
  await clock.advance(2 * S);
  await armed;
  assert.ok(run.leaseLeftNs() > 50 * S);
  lease(2);
  assert.ok(run.leaseLeftNs() <= 0);
  await run.close();
});

test("without a fresh lease nothing is sent, and what is held back is named; with one it goes on", async () => {
  const clock = new SimClock();
  const { run, reports, sentAtNs, arm, lease } = agentRunOn(clock);
  const armed = arm(loadOf(TEN_A_SECOND));
  lease(1, { expiresInNs: 3.05 * S });
  await clock.advance(4.05 * S);
  await armed;
  const sentInTime = sentAtNs.length;
  assert.ok(sentInTime > 15);
  assert.ok(Math.max(...sentAtNs) <= 3.05 * S);
  lease(1);
  await clock.advance(0.5 * S);
  assert.equal(sentAtNs.length, sentInTime + 5);
  await run.release();
  const counters = countersOf(reports);
  assert.deepEqual(
    [counters.scheduled, counters.fired, counters.notOfferedAborted],
    [sentInTime + 15, sentInTime + 5, 10],
  );
  const named = reports.flatMap(({ heldBack }) => heldBack);
  assert.equal(
    named.reduce((sum, { count }) => sum + count, 0),
    10,
  );
  assert.deepEqual(
    [named[0]?.segment, named[0]?.from, named.at(-1)?.to],
    [1, sentInTime, sentInTime + 10],
  );
});

test("a segment starts only by a lease that names it and is fresh, of its own coordinator", async () => {
  const [runId, incarnation] = ["another", 77];
  for (const [leased, isStarted] of [
    [{}, true],
    [{ expiresInNs: 0.9 * S }, false],
    [{ runId }, false],
    [{ incarnation }, false],
    [{ segmentNumber: 0 }, false],
  ] as const) {
    const clock = new SimClock();
    const { run, sentAtNs, starts, arm, lease } = agentRunOn(clock);
    const armed = arm(loadOf(TEN_A_SECOND));
    lease(1, leased);
    await clock.advance(2 * S);
    await armed;
    const told = JSON.stringify(leased);
    assert.deepEqual(starts, [[1, isStarted]], told);
    assert.equal(sentAtNs.length > 0, isStarted, told);
    await run.close();
  }
});

test("no more requests are in flight than the bound: a schedule's are dropped and counted, a closed mode waits", async () => {
  for (const mode of [
    TEN_A_SECOND,
    { kind: "closed", streams: 10 },
    { kind: "backlog", waitingMax: 10 },
  ] as const) {
    const clock = new SimClock();
    const { run, reports, sentAtNs, arm, lease } = agentRunOn(clock, {
      limits: { inFlightMax: 3 },
    });
    const armed = arm(loadOf(mode));
    lease(1);
    await clock.advance(2.05 * S);
    await armed;
    assert.equal(sentAtNs.length, 3, mode.kind);
    await run.release();
    const { fired, droppedInFlightBound } = countersOf(reports);
    assert.equal(fired, 3);
    if (mode.kind === "open") assert.ok(droppedInFlightBound >= 7);
    else assert.equal(droppedInFlightBound, 0, mode.kind);
  }
});

test("what is still open when the drain bound has passed behind a segment's end is given up as censored", async () => {
  const clock = new SimClock();
  const { run, reports, sentAtNs, arm, lease } = agentRunOn(clock, {
    limits: { drainMaxNs: 2 * S },
  });
  const armed = arm({ ...loadOf(TEN_A_SECOND), endByNs: 6 * S });
  lease(1);
  await clock.advance(7.9 * S);
  await armed;
  assert.ok(sentAtNs.length > 40);
  assert.equal(countersOf(reports).censored, 0);
  await clock.advance(0.7 * S);
  assert.equal(countersOf(reports).censored, sentAtNs.length);
  await run.close();
});

test("lengths that were forced are checked, unless several choices share one count of tokens", async () => {
  for (const [target, lengthsOff] of [
    [{ forceOutput: false, extraBody: {} }, 0],
    [{ forceOutput: true, extraBody: {} }, 1],
    [{ forceOutput: true, extraBody: { n: 2 } }, 0],
  ] as const) {
    const clock = new SimClock();
    const { run, reports, arm, lease } = agentRunOn(clock, {
      target,
      answer: (listener) => {
        listener.onContent(clock.nowNs(), 1, true);
        listener.onUsage(1, 2 ** 31);
        listener.onEnd(clock.nowNs(), "ok", 200, "");
      },
    });
    const armed = arm({ ...loadOf({ kind: "serial", agentId: "a" }), requestsMax: 1 });
    lease(1);
    await clock.advance(2 * S);
    await armed;
    const activities = reports.flatMap(({ deltas }) => deltas.map(({ activity }) => activity));
    const sum = (of: "completedOk" | "lengthsOff"): number =>
      activities.reduce((total, activity) => total + activity[of], 0);
    assert.deepEqual([sum("completedOk"), sum("lengthsOff")], [1, lengthsOff]);
    await run.close();
  }
});
