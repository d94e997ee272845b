import assert from "node:assert/strict";
import { test } from "node:test";
import {
  batchingCapacity,
  batchingMaxRateForStep,
  batchingRateLimit,
  batchingStepS,
  erlangC,
  md1MaxRate,
  md1WaitingCdf,
  mmcMaxRate,
  mmcSojournTail,
} from "../../../simulator/theory.ts";

function assertClose(actual: number, expected: number, tolerance: number): void {
  assert.ok(
    Math.abs(actual - expected) <= tolerance,
    `${actual} is not ${expected} ± ${tolerance}`,
  );
}

test("M/M/c: the highest rate agrees with the reference values", () => {
  assertClose(mmcMaxRate({ c: 1, mu: 20, limitS: 0.5, quantile: 0.99 }), 10.7897, 5e-5);
  assertClose(mmcMaxRate({ c: 4, mu: 10, limitS: 1, quantile: 0.99 }), 35.009, 5e-5);
  assertClose(mmcMaxRate({ c: 8, mu: 1, limitS: 6, quantile: 0.99 }), 6.93312, 5e-6);
  assertClose(mmcMaxRate({ c: 8, mu: 10, limitS: 0.6, quantile: 0.95 }), 73.983, 5e-4);
});

test("M/D/1: the highest rate agrees with the reference values", () => {
  assertClose(md1MaxRate({ serviceS: 0.05, limitS: 0.5, quantile: 0.99 }), 15.46974, 5e-6);
  assertClose(md1MaxRate({ serviceS: 0.02, limitS: 0.2, quantile: 0.99 }), 38.6744, 5e-5);
});

test("M/M/1: λ* is μ − ln(1/ε)/D", () => {
  const quantile = 0.99;
  assertClose(
    mmcMaxRate({ c: 1, mu: 50, limitS: 0.3, quantile }),
    50 - Math.log(1 / (1 - quantile)) / 0.3,
    1e-9,
  );
});

test("a service that misses the limit by itself has no rate", () => {
  assert.equal(mmcMaxRate({ c: 4, mu: 10, limitS: 0.2, quantile: 0.99 }), 0);
  assert.equal(md1MaxRate({ serviceS: 0.05, limitS: 0.04, quantile: 0.99 }), 0);
});

test("Erlang C of one slot is the load, and 1 from saturation on", () => {
  assertClose(erlangC(1, 0.37), 0.37, 1e-12);
  assert.equal(erlangC(4, 4), 1);
  // Erlang's own table: 10 slots, 7 erlang.
  assertClose(erlangC(10, 7), 0.2217, 5e-5);
});

test("the M/M/c tail is continuous where its two exponentials meet", () => {
  const at = (ratePerSecond: number) => mmcSojournTail({ c: 4, mu: 10, ratePerSecond, timeS: 0.3 });
  assertClose(at(30), (at(29.999) + at(30.001)) / 2, 1e-7);
});

test("the M/D/1 waiting time: no wait with probability 1 − ρ, the mean is ρs / 2(1 − ρ)", () => {
  const serviceS = 0.05;
  const ratePerSecond = 16;
  assertClose(md1WaitingCdf({ ratePerSecond, serviceS, waitS: 0 }), 0.2, 1e-12);

  let meanS = 0;
  const stepS = 0.0005;
  for (let waitS = stepS / 2; waitS < 3; waitS += stepS) {
    meanS += (1 - md1WaitingCdf({ ratePerSecond, serviceS, waitS })) * stepS;
  }
  assertClose(meanS, (0.8 * serviceS) / (2 * 0.2), 1e-5);
});

test("the batching mean field: capacity, step and the rate of a step agree with each other", () => {
  const mean = { a: 0.008, b: 5e-5, c: 5e-5, promptTokens: 512, outputTokens: 128 };
  assertClose(batchingRateLimit(mean), 31.25, 1e-9);
  const ratePerSecond = batchingMaxRateForStep(mean, 0.02);
  assertClose(batchingStepS(mean, ratePerSecond), 0.02, 1e-12);
  // With M = λ · O · τ sequences, that rate is the capacity.
  const M = ratePerSecond * 128 * 0.02;
  assertClose(batchingCapacity({ ...mean, M }), ratePerSecond, 1e-9);
});
