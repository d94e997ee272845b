import assert from "node:assert/strict";
import { test } from "node:test";
import { SystemClock } from "../../../shared/platform/system-clock.ts";
import { NS_PER_MS } from "../../../shared/units.ts";

const loopMsNow = (): number => Number(process.hrtime.bigint() / 1_000_000n);

test("libuv's whole ms of an instant are those that its clock shows then", () => {
  const clock = new SystemClock();
  for (let look = 0; look < 1_000; look += 1) {
    const before = loopMsNow();
    const ms = clock.loopMs(clock.nowNs());
    const after = loopMsNow();
    // The two clocks' zeros are compared once, some µs apart.
    assert.ok(ms >= before - 1 && ms <= after + 1, `${before} ${ms} ${after}`);
  }
  assert.equal(clock.loopMs(7 * NS_PER_MS) - clock.loopMs(2 * NS_PER_MS), 5);
});

test("a call, precise or not, never comes before its instant, whatever its part of a ms", async () => {
  const clock = new SystemClock();
  for (const call of ["callAt", "callPrecisely"] as const) {
    const leadsNs = Array.from({ length: 40 }, (_, k) => k * 0.27 * NS_PER_MS);
    const calls = leadsNs.map(async (leadNs) => {
      const atNs = clock.nowNs() + leadNs;
      await new Promise<void>((resolve) => clock[call](atNs, resolve));
      return clock.nowNs() - atNs;
    });
    for (const lateNs of await Promise.all(calls)) assert.ok(lateNs >= 0, `${call}: ${lateNs} ns`);
  }
});

test("a call that was taken back does not come", async () => {
  const clock = new SystemClock();
  const came: string[] = [];
  for (const leadNs of [0, 0.5 * NS_PER_MS, 4 * NS_PER_MS]) {
    clock.callPrecisely(clock.nowNs() + leadNs, () => came.push("precise"))();
    clock.callAt(clock.nowNs() + leadNs, () => came.push("usual"))();
  }
  // Asked for last and due last, so whatever was to come has come before it.
  await new Promise<void>((resolve) => clock.callAt(clock.nowNs() + 6 * NS_PER_MS, resolve));
  assert.deepEqual(came, []);
});

test("time in a tail is told, as idle", async () => {
  const clock = new SystemClock();
  // A call that a busy machine wakes too late for has no tail: one of many has.
  for (let call = 0; call < 200 && clock.tailNs === 0; call += 1) {
    const atNs = clock.nowNs() + 3 * NS_PER_MS;
    await new Promise<void>((resolve) => clock.callPrecisely(atNs, resolve));
  }
  assert.ok(clock.tailNs > 0);
});
