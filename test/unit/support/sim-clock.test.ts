import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { sleepUntil } from "../../../shared/time/clock.ts";
import { SimClock } from "../../support/sim-clock.ts";

test("calls run at their instant, those of one instant in the order they were asked for", () => {
  fc.assert(
    fc.property(fc.array(fc.nat(50), { maxLength: 200 }), (instants) => {
      const clock = new SimClock();
      const ran: { atNs: number; order: number }[] = [];
      instants.forEach((atNs, order) =>
        clock.callAt(atNs, () => {
          assert.equal(clock.nowNs(), atNs);
          ran.push({ atNs, order });
        }),
      );
      clock.advanceTo(60);
      const expected = instants
        .map((atNs, order) => ({ atNs, order }))
        .sort((a, b) => a.atNs - b.atNs || a.order - b.order);
      assert.deepEqual(ran, expected);
      assert.equal(clock.nowNs(), 60);
    }),
  );
});

test("a cancelled call does not run, and a stalled clock runs calls late", () => {
  const clock = new SimClock(100);
  const ranAtNs: number[] = [];
  clock.callAt(110, () => ranAtNs.push(clock.nowNs()));
  const cancel = clock.callAt(111, () => ranAtNs.push(-1));
  clock.callPrecisely(120, () => ranAtNs.push(clock.nowNs()));
  cancel();
  assert.equal(clock.pendingCalls(), 2);
  clock.stall(15);
  clock.advanceBy(10);
  assert.deepEqual(ranAtNs, [115, 120]);
  assert.equal(clock.nowNs(), 125);
});

test("code that awaits between its calls sees every instant under advance and runUntil", async () => {
  const clock = new SimClock();
  const seenNs: number[] = [];
  const loop = async (): Promise<void> => {
    for (let round = 1; round <= 5; round += 1) {
      await sleepUntil(clock, round * 10);
      await Promise.resolve();
      seenNs.push(clock.nowNs());
    }
  };
  const done = loop();
  await clock.advance(25);
  assert.deepEqual(seenNs, [10, 20]);
  await clock.runUntil(() => seenNs.length === 5);
  assert.equal(clock.nowNs(), 50);
  await done;
  await assert.rejects(
    clock.runUntil(() => false),
    /no call is due/,
  );
});
