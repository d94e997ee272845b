import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import type { FifoConfig } from "../../../simulator/scheduler/config.ts";
import { createScheduler } from "../../../simulator/scheduler/scheduler.ts";
import { driftWarp, slowStartWarp, stallWarp } from "../../../simulator/scheduler/time-warp.ts";
import type { TimeWarp } from "../../../simulator/scheduler/time-warp.ts";
import { WARPS_MAX } from "../../../simulator/scheduler/warped.ts";
import { record, serve, told } from "./virtual-load.ts";
import type { Told } from "./virtual-load.ts";

const MS = 1e6;
const SECOND = 1e9;

const oneSlot: FifoConfig = {
  kind: "fifo",
  slots: 1,
  service: { kind: "fixed", meanNs: 10 * MS },
  spread: { kind: "after-service", gapNs: 10 * MS },
};

test("a stall stops all output, and what arrives during it starts after it", () => {
  const requests = [told(0, 0, 4), told(1, 20 * MS)];
  serve(oneSlot, requests, [
    stallWarp({ atNs: 15 * MS, durationNs: 100 * MS, everyNs: undefined }),
  ]);

  assert.deepEqual(
    requests[0]!.tokensAtNs,
    [10, 120, 130, 140].map((ms) => ms * MS),
  );
  assert.equal(requests[1]!.startedAtNs, 115 * MS);
  assert.equal(requests[1]!.doneAtNs, 125 * MS);
});

test("a periodic stall costs its part of every period", () => {
  const requests = Array.from({ length: 100 }, (_, index) => told(index, 0));
  serve(oneSlot, requests, [stallWarp({ atNs: 0, durationNs: 50 * MS, everyNs: 100 * MS })]);

  const doneAtMs = requests.map((one) => one.doneAtNs / MS);
  assert.deepEqual(doneAtMs.slice(0, 6), [60, 70, 80, 90, 150, 160]);
  assert.ok(doneAtMs.every((ms) => ms % 100 >= 50));
});

test("a slow start takes the factor at first and hardly anything later", () => {
  const slow = slowStartWarp({ atNs: 0, factor: 3, decayNs: 0.1 * SECOND });
  const requests = Array.from({ length: 200 }, (_, index) => told(index, 0));
  serve(oneSlot, requests, [slow]);

  const gapMs = (index: number) => (requests[index]!.doneAtNs - requests[index]!.startedAtNs) / MS;
  assert.ok(gapMs(0) > 26 && gapMs(0) < 30, `first ${gapMs(0)}`);
  assert.ok(Math.abs(gapMs(199) - 10) < 0.01, `last ${gapMs(199)}`);
});

test("a drift ends at its factor", () => {
  const drift = driftWarp({ atNs: 0, factor: 1.5, overNs: SECOND });
  const requests = Array.from({ length: 200 }, (_, index) => told(index, 0));
  serve(oneSlot, requests, [drift]);
  const last = requests.at(-1)!;
  assert.ok(Math.abs(last.doneAtNs - last.startedAtNs - 15 * MS) < 1);
});

const warps: fc.Arbitrary<TimeWarp> = fc.oneof(
  fc
    .record({
      atNs: fc.nat(5e9),
      durationNs: fc.integer({ min: 1, max: 1e8 }),
      idleNs: fc.option(fc.integer({ min: 1e6, max: 1e9 })),
    })
    .map(({ atNs, durationNs, idleNs }) =>
      stallWarp({ atNs, durationNs, everyNs: idleNs === null ? undefined : durationNs + idleNs }),
    ),
  fc
    .record({ atNs: fc.nat(5e9), factor: fc.double({ min: 0.5, max: 4, noNaN: true }) })
    .map(({ atNs, factor }) => slowStartWarp({ atNs, factor, decayNs: SECOND })),
  fc
    .record({ atNs: fc.nat(5e9), factor: fc.double({ min: 0.5, max: 4, noNaN: true }) })
    .map(({ atNs, factor }) => driftWarp({ atNs, factor, overNs: SECOND })),
);

test("work and real time agree, in every map: there and back, and never backwards", () => {
  fc.assert(
    fc.property(
      warps,
      fc.array(fc.nat(1e10), { minLength: 2, maxLength: 20 }),
      (warp, instants) => {
        const sorted = instants.toSorted((a, b) => a - b);
        let lastReal = -Infinity;
        for (const workNs of sorted) {
          const realNs = warp.realAtNs(workNs);
          assert.ok(realNs >= lastReal - 1e-3);
          assert.ok(Math.abs(warp.workAtNs(realNs) - workNs) < 0.01);
          lastReal = realNs;
        }
      },
    ),
  );
});

/** Four maps inside one another, there and back, each rounded. */
const ROUNDING_NS = 1_000;

test("with any disturbances nothing is lost, early, or out of order", () => {
  fc.assert(
    fc.property(
      fc.array(warps, { maxLength: 4 }),
      fc.array(fc.integer({ min: 0, max: 3e7 }), { minLength: 1, maxLength: 60 }),
      (disturbances, gapsNs) => {
        let atNs = 0;
        const requests = gapsNs.map((gapNs, index) => {
          atNs += gapNs;
          return told(index, atNs, 1 + (index % 3));
        });
        serve(oneSlot, requests, disturbances);
        let last = 0;
        for (const one of requests) {
          const firstAtNs = one.tokensAtNs[0] ?? NaN;
          assert.ok(firstAtNs >= one.arrivedAtNs - ROUNDING_NS && firstAtNs >= last - ROUNDING_NS);
          assert.equal(one.tokensAtNs.length, one.outputTokens);
          last = firstAtNs;
        }
      },
    ),
    { numRuns: 200 },
  );
});

test("a disturbance ends when it is told to, and what it cost stays lost", () => {
  const scheduler = createScheduler<Told>(oneSlot, 1);
  scheduler.disturb(stallWarp({ atNs: 0, durationNs: 60 * SECOND, everyNs: undefined }));
  const request = told(0, 0);
  scheduler.arrive(0, request);
  scheduler.advance(SECOND, record);
  assert.ok(Number.isNaN(request.startedAtNs));

  scheduler.endDisturbances(SECOND);
  scheduler.advance(2 * SECOND, record);
  assert.equal(request.doneAtNs, SECOND + 10 * MS);
});

test("the number of disturbances is bounded", () => {
  const scheduler = createScheduler<Told>(oneSlot, 1);
  const warp = stallWarp({ atNs: 0, durationNs: 1, everyNs: undefined });
  for (let count = 0; count < WARPS_MAX; count++) assert.ok(scheduler.disturb(warp));
  assert.equal(scheduler.disturb(warp), false);
});
