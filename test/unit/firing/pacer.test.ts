import assert from "node:assert/strict";
import { test } from "node:test";
import { Pacer } from "../../../agent/firing/pacer.ts";
import { SimClock } from "../../support/sim-clock.ts";

interface Firing {
  readonly index: number;
  readonly intendedAtNs: number;
  readonly nowNs: number;
}

function pacerOver(intendedAtNs: readonly number[], clock: SimClock, clockAheadNs = 0) {
  const firings: Firing[] = [];
  const prepared: number[] = [];
  let at = -1;
  const pacer = new Pacer({
    clock,
    clockAheadNs,
    arrivals: {
      next: () => {
        at += 1;
        return at < intendedAtNs.length;
      },
      get index() {
        return at;
      },
      get intendedAtNs() {
        return intendedAtNs[at] ?? 0;
      },
    },
    prepare: (index) => prepared.push(index),
    fire: (index, atNs, nowNs) => firings.push({ index, intendedAtNs: atNs, nowNs }),
  });
  return { pacer, firings, prepared };
}

test("each arrival is fired at its own instant, on the agent's clock", () => {
  const clock = new SimClock();
  const { pacer, firings } = pacerOver([0, 10, 20], clock, 5);
  pacer.start();
  clock.advanceTo(100);
  assert.deepEqual(
    firings.map(({ nowNs }) => nowNs),
    [5, 15, 25],
  );
  assert.ok(pacer.finished);
  assert.equal(clock.pendingCalls(), 0);
});

test("a stalled event loop delays arrivals but never moves their intended time", () => {
  const clock = new SimClock();
  const { pacer, firings } = pacerOver([0, 10, 20, 30, 40], clock);
  pacer.start();
  clock.stall(25);
  clock.advanceTo(50);
  assert.deepEqual(
    firings.map(({ intendedAtNs }) => intendedAtNs),
    [0, 10, 20, 30, 40],
  );
  assert.deepEqual(
    firings.map(({ nowNs }) => nowNs),
    [25, 25, 25, 30, 40],
  );
});

test("the next request is made ready before it is due", () => {
  const clock = new SimClock();
  const { pacer, firings, prepared } = pacerOver([10, 20], clock);
  pacer.start();
  assert.deepEqual(prepared, [0]);
  clock.advanceTo(10);
  assert.deepEqual(prepared, [0, 1]);
  assert.equal(firings.length, 1);
});

test("a superseded schedule fires nothing at or after the instant that ends it", () => {
  const clock = new SimClock();
  const { pacer, firings } = pacerOver([0, 10, 20, 30], clock);
  pacer.start();
  pacer.endAt(20);
  clock.advanceTo(100);
  assert.deepEqual(
    firings.map(({ intendedAtNs }) => intendedAtNs),
    [0, 10],
  );
});

test("poll hands on what is due without waiting for the timer, once", () => {
  const clock = new SimClock();
  const { pacer, firings } = pacerOver([0, 10, 20], clock);
  pacer.start();
  clock.stall(15);
  pacer.poll();
  assert.equal(firings.length, 2);
  clock.advanceTo(100);
  assert.deepEqual(
    firings.map(({ index }) => index),
    [0, 1, 2],
  );
});
