import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { AgentRun } from "../../../agent/agent-run.ts";
import { HealthMeter } from "../../../agent/health/health-meter.ts";
import type { PacingClock } from "../../../agent/ports.ts";
import { Reporter } from "../../../agent/reporting/reporter.ts";
import type { IntervalReport } from "../../../shared/measurement/report.ts";
import type { Segment } from "../../../shared/segment/segment.ts";
import { prepareRun as anyPrepareRun } from "../../support/control-arbitraries.ts";
import { SimClock } from "../../support/sim-clock.ts";

const MS = 1e6;
const S = 1e9;
const ofOneEndpoint = anyPrepareRun.filter(({ against }) => against === undefined);
const [PREPARE] = fc.sample(ofOneEndpoint, { numRuns: 1, seed: 1 });
const PREPARE_RUN = {
  ...PREPARE!,
  limits: { ...PREPARE!.limits, intervalNs: S / 2, drainMaxNs: S },
};

function idleSegment(number: number, startAtNs: number, recordUntilNs: number): Segment {
  return {
    number,
    mode: { kind: "idle" },
    startAtNs,
    recordFromNs: startAtNs,
    recordUntilNs,
    endByNs: startAtNs + 60 * S,
    requestsMax: 0,
    shares: [{ agentId: "a", capacity: 1 }],
  };
}

/** A run whose ordinary timers come late, as Node's do, and what it reports. */
function runWithLateTimers(clock: SimClock, lateNs: number) {
  const late: PacingClock = {
    nowNs: () => clock.nowNs(),
    callAt: (atNs, task) => clock.callAt(atNs + lateNs, task),
    callPrecisely: (atNs, task) => clock.callPrecisely(atNs, task),
  };
  const reports: IntervalReport[] = [];
  const reporter = new Reporter({
    runId: PREPARE_RUN.runId,
    agentId: "a",
    epoch: 1,
    clock,
    address: { url: "", certificateFingerprint: "" },
    link: {
      open: (_address, _agentId, events) => {
        clock.callAt(0, () => {
          events.onOpen();
        });
        return {
          sendInterval: (report) => reports.push(report) > 0,
          sendRecords: () => true,
          close: () => Promise.resolve(),
        };
      },
    },
  });
  const run = new AgentRun({
    agentId: "a",
    prepareRun: PREPARE_RUN,
    clock: late,
    endpoint: {
      send: () => () => undefined,
      connect: () => Promise.resolve(),
      socketsOpen: () => 0,
      close: () => Promise.resolve(),
    },
    encode: () => assert.fail("an idle segment sends nothing"),
    reporter,
    health: new HealthMeter(clock, {
      cpuSeconds: () => 0,
      rssBytes: () => 1,
      eventLoopUtilisation: () => 0,
      onGcPause: () => () => undefined,
      throttledNs: () => 0,
    }),
    onStart: () => undefined,
  });
  const start = (segment: Segment): Promise<unknown> => {
    const { runId, incarnation } = PREPARE_RUN;
    const armed = run.arm({
      runId,
      incarnation,
      segment,
      clockOffset: { aheadNs: 0, errorBoundNs: 0 },
    });
    run.lease({ runId, incarnation, segmentNumber: segment.number, expiresInNs: 60 * S });
    return armed;
  };
  return { run, reports, start };
}

test("a segment that starts just after the window before it leaves no report across the window's end", async () => {
  const clock = new SimClock();
  const { run, reports, start } = runWithLateTimers(clock, MS);
  const recordUntilNs = 3.2 * S;
  const nextAtNs = recordUntilNs + 0.4 * MS;
  const armed = start(idleSegment(1, S, recordUntilNs));
  await clock.advance(1.5 * S);
  await armed;
  const armedNext = start(idleSegment(2, nextAtNs, 6 * S));
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
  const { run, reports, start } = runWithLateTimers(clock, 0);
  await assert.rejects(start({ ...idleSegment(1, S, 3 * S), against: true }), {
    name: "LoadError",
    code: "LL_SEGMENT_AGAINST",
    exitCode: 4,
    message: /^segment 1 is for the other endpoint/,
  });
  await clock.advance(5 * S);
  assert.deepEqual(reports, []);
  await run.close();
});

test("a lease of a segment that it was not given ends its firing at once: the run goes on without it", async () => {
  const clock = new SimClock();
  const { run, start } = runWithLateTimers(clock, 0);
  const { runId, incarnation } = PREPARE_RUN;
  const armed = start(idleSegment(1, S, 30 * S));
  await clock.advance(2 * S);
  await armed;
  assert.ok(run.leaseLeftNs() > 50 * S);
  run.lease({ runId, incarnation, segmentNumber: 2, expiresInNs: 60 * S });
  assert.ok(run.leaseLeftNs() <= 0);
  await run.close();
});
