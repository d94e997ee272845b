import assert from "node:assert/strict";
import { describe, test } from "node:test";
import {
  fitSurface,
  floorAtLimit,
  rootOf,
  slopeOf,
  surfaceAt,
} from "../../../../coordinator/search/tail/surface.ts";
import { mmcSojournTail } from "../../../../simulator/theory.ts";
import { MM4 } from "../../../support/search-queues.ts";
import { ANCHOR, blockAt, modelOf } from "../../../support/tail-blocks.ts";

const MODEL = modelOf("ttft", 1);

/** Blocks of M/M/4 that count exactly what the queue's closed form says, with a floor under it. */
function exactBlocks(rates: readonly number[], floor: (u: number) => number = () => 0) {
  return rates.map((rate) =>
    blockAt(rate, {
      kind: rate < 30 ? "ramp" : "focus",
      requests: 20_000,
      fractions: MODEL.thresholds.map((u) => {
        const queue = mmcSojournTail({ c: 4, mu: 10, ratePerSecond: rate, timeS: u });
        return floor(u) + (1 - floor(u)) * queue;
      }),
    }),
  );
}

describe("the tail surface", () => {
  test("its root on a queue's own fractions lies within 2 % of the closed form", () => {
    const surface = fitSurface(MODEL, exactBlocks([10, 20, 28, 33, 34, 35, 36]), {
      anchor: ANCHOR,
    });
    assert.ok(Math.abs(rootOf(surface, 0.01) / MM4.truthPerSecond - 1) < 0.02);
    assert.ok(floorAtLimit(surface) < 1e-4);
  });

  test("is ε at its root, and rises with the rate", () => {
    const surface = fitSurface(MODEL, exactBlocks([20, 33, 35]), { anchor: ANCHOR });
    const at = (rate: number): number =>
      surfaceAt(surface, { j: surface.used.length - 1, u: 1, ratePerSecond: rate });
    assert.ok(Math.abs(at(rootOf(surface, 0.01)) - 0.01) < 1e-6);
    assert.ok(at(30) < at(35) && at(35) < at(39));
    assert.ok(slopeOf(surface) >= 3);
  });

  test("a part of the requests that is slow at every rate becomes the floor, not the queue's", () => {
    const floor = (u: number): number => 0.008 * Math.exp(-0.5 * (u - 1));
    const rates = [5, 10, 15, 20, 28, 32, 34];
    const surface = fitSurface(MODEL, exactBlocks(rates, floor), { anchor: ANCHOR });
    assert.ok(Math.abs(floorAtLimit(surface) / 0.008 - 1) < 0.3, String(floorAtLimit(surface)));
    const without = fitSurface(MODEL, exactBlocks(rates), { anchor: ANCHOR });
    assert.ok(rootOf(surface, 0.01) < rootOf(without, 0.01));
  });

  test("the floor never rises with the threshold", () => {
    const rising = [0.001, 0.02, 0.001, 0.03, 0.001, 0.02, 0.001, 0.01];
    const surface = fitSurface(MODEL, [blockAt(5, { kind: "ramp", fractions: rising })], {
      anchor: ANCHOR,
    });
    for (let j = 1; j < surface.floor.length; j++) {
      assert.ok(surface.floor[j]! <= surface.floor[j - 1]!);
    }
  });

  test("without data the priors answer: 1 − (ln ε + 0.3) / −25 of saturation", () => {
    const surface = fitSurface(MODEL, [], { anchor: ANCHOR });
    const expected = 40 * (1 - (-0.3 - Math.log(0.01)) / 25);
    assert.ok(Math.abs(rootOf(surface, 0.01) - expected) < 1e-6);
  });

  test("ramp steps above three quarters of saturation say nothing", () => {
    const quiet = exactBlocks([20, 33, 35]);
    const hot = blockAt(39, { kind: "ramp", fractions: MODEL.thresholds.map(() => 0.9) });
    const with_ = fitSurface(MODEL, [...quiet, hot], { anchor: ANCHOR });
    assert.deepEqual(with_, fitSurface(MODEL, quiet, { anchor: ANCHOR }));
  });
});
