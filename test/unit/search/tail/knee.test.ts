import assert from "node:assert/strict";
import { test } from "node:test";
import { kneeOf } from "../../../../coordinator/search/tail/knee.ts";
import { ANCHOR, blockAt } from "../../../support/tail-blocks.ts";

/** M/M/1 with μ = 40: T = 1 / (μ − λ). */
function mm1Blocks() {
  const at = (rate: number, kind: "unloaded" | "ramp" | "focus") => ({
    ...blockAt(rate, { kind, fractions: [0] }),
    e2eMeanS: 1 / (40 - rate),
  });
  return [at(0, "unloaded"), at(10, "ramp"), at(20, "ramp"), at(30, "focus"), at(34, "focus")];
}

test("M/M/1 has its most power at half of saturation", () => {
  const knee = kneeOf(mm1Blocks(), ANCHOR);
  // λ/T = λ(μ − λ) is highest at μ/2.
  assert.ok(Math.abs(knee!.powerRatePerSecond - 20) < 0.5, String(knee!.powerRatePerSecond));
});

test("the knee of T = 1/(μ − λ) up to 0.985 μ is where the scaled curve has slope 1", () => {
  const knee = kneeOf(mm1Blocks(), ANCHOR);
  // (T(b) − T(0)) / b = 1 / (μ − λ)², with b = 0.985 μ: λ = μ (1 − √(1 − 0.985)).
  const expected = 40 * (1 - Math.sqrt(1 - 0.985));
  assert.ok(Math.abs(knee!.ratePerSecond - expected) < 0.5, String(knee!.ratePerSecond));
});

test("two windows show no curve", () => {
  assert.equal(kneeOf(mm1Blocks().slice(0, 3), ANCHOR), undefined);
});
