import assert from "node:assert/strict";
import { test } from "node:test";
import { HealthMeter } from "../../../agent/health/health-meter.ts";
import { SimClock } from "../../support/sim-clock.ts";

const MS = 1e6;
const S = 1e9;
const SPOOL = { spooledReports: 0, reportsLost: 0, socketsOpen: 0 };

function meterOn(
  clock: SimClock,
  gauges: { throttledNs: number; pauses: number[]; cpuSeconds?: number },
) {
  let tellPause: (durationNs: number) => void = () => undefined;
  const meter = new HealthMeter(clock, {
    cpuSeconds: () => gauges.cpuSeconds ?? 0,
    rssBytes: () => 1,
    eventLoopUtilisation: () => 0.5,
    onGcPause: (onPause) => {
      tellPause = onPause;
      return () => undefined;
    },
    throttledNs: () => gauges.throttledNs,
  });
  return {
    meter,
    tellPause: (durationNs: number) => {
      tellPause(durationNs);
    },
  };
}

test("a loop that stands still for 300 ms is late as often as it should have been asked", () => {
  const clock = new SimClock();
  const { meter } = meterOn(clock, { throttledNs: 0, pauses: [] });
  clock.advanceBy(2 * S);
  clock.stall(300 * MS);
  clock.advanceBy(2 * S);
  const { eventLoopDelay } = meter.take({ fromNs: 0, toNs: 4.3 * S }, SPOOL);
  // A probe each 20 ms: 280, 260, … ms late; 14 or 15 of about 215, which is far more than 1 %.
  const late = eventLoopDelay.countAbove(10 * MS);
  assert.ok(late >= 13 && late <= 15, `${late} late probes`);
  assert.ok(eventLoopDelay.quantile(0.99) > 200 * MS);
  assert.ok(eventLoopDelay.count > 205 && eventLoopDelay.count < 220);
});

test("pauses and throttling are those since the last interval", () => {
  const clock = new SimClock();
  const gauges = { throttledNs: 7 * S, pauses: [] };
  const { meter, tellPause } = meterOn(clock, gauges);
  gauges.throttledNs += 0.25 * S;
  tellPause(3 * MS);
  tellPause(5 * MS);
  const first = meter.take({ fromNs: 0, toNs: S }, SPOOL);
  assert.deepEqual([first.throttledNs, first.gcPauses, first.gcPauseSeconds], [0.25 * S, 2, 0.008]);
  const second = meter.take({ fromNs: S, toNs: 2 * S }, SPOOL);
  assert.deepEqual([second.throttledNs, second.gcPauses, second.gcPauseSeconds], [0, 0, 0]);
});

test("a process that is moved to another control group was not held back for less than no time", () => {
  const clock = new SimClock();
  const gauges = { throttledNs: 7 * S, pauses: [] };
  const { meter } = meterOn(clock, gauges);
  gauges.throttledNs = 0.5 * S;
  assert.equal(meter.take({ fromNs: 0, toNs: S }, SPOOL).throttledNs, 0);
  gauges.throttledNs = 0.75 * S;
  assert.equal(meter.take({ fromNs: S, toNs: 2 * S }, SPOOL).throttledNs, 0.25 * S);
});

test("CPU time is what was used since the last interval", () => {
  const gauges = { throttledNs: 0, pauses: [], cpuSeconds: 5 };
  const { meter } = meterOn(new SimClock(), gauges);
  const usedAt = (cpuSeconds: number): number => {
    gauges.cpuSeconds = cpuSeconds;
    return meter.take({ fromNs: 0, toNs: S }, SPOOL).cpuSeconds;
  };
  assert.deepEqual([5.25, 6, 6].map(usedAt), [0.25, 0.75, 0]);
});
