import assert from "node:assert/strict";
import { test } from "node:test";
import { SystemGauges } from "../../../shared/platform/process-gauges.ts";

function spin(ms: number): void {
  const untilMs = performance.now() + ms;
  while (performance.now() < untilMs);
}

test("time that a precise call waited away counts as idle, and what was busy before is not told again", async () => {
  const clock = { tailNs: 0 };
  const gauges = new SystemGauges(clock);
  // Utilisation is of whole turns of the loop.
  const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));
  await turn();
  gauges.eventLoopUtilisation();
  spin(20);
  await turn();
  assert.ok(gauges.eventLoopUtilisation() > 0);
  spin(20);
  clock.tailNs += 1e12;
  await turn();
  assert.equal(gauges.eventLoopUtilisation(), 0);
  spin(20);
  await turn();
  assert.ok(gauges.eventLoopUtilisation() > 0, "an earlier wait is counted once");
});
