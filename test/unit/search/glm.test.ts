import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { fitLogLinear, solveLinear } from "../../../coordinator/search/glm.ts";

test("a solved system gives back its right-hand side", () => {
  const vector = fc.array(fc.double({ min: -5, max: 5, noNaN: true }), {
    minLength: 3,
    maxLength: 3,
  });
  fc.assert(
    fc.property(fc.tuple(vector, vector, vector), vector, (rows, x) => {
      // A heavy diagonal keeps the random system regular; its rows are turned so that pivoting has work to do.
      const heavy = rows.map((row, i) => row.map((value, j) => value + (i === j ? 20 : 0)));
      const matrix = [heavy[1]!, heavy[2]!, heavy[0]!];
      const rhs = matrix.map((row) => row.reduce((sum, value, j) => sum + value * x[j]!, 0));
      solveLinear(matrix, rhs).forEach((value, i) => {
        assert.ok(Math.abs(value - x[i]!) < 1e-9);
      });
    }),
    { seed: 3 },
  );
});

const flat = { mean: [-4, -6], precision: [1e-6, 1e-6] };

test("a tail that is exactly log-linear is found again", () => {
  const rows = [0.2, 0.4, 0.6, 0.8, 1].map((u) => ({
    x: [1, u - 1],
    over: 10_000 * Math.exp(-4.2 - 3 * (u - 1)),
    total: 10_000,
  }));
  const { coefficients } = fitLogLinear(rows, flat);
  assert.ok(Math.abs(coefficients[0]! + 4.2) < 1e-4, `${coefficients[0]}`);
  assert.ok(Math.abs(coefficients[1]! + 3) < 1e-4, `${coefficients[1]}`);
});

test("the fit is the highest point of the penalised likelihood, found by brute force", () => {
  const prior = { mean: [Math.log(0.01), -6], precision: [1 / 16, 1 / 25] };
  const rows = [
    { x: [1, -0.7], over: 23, total: 180 },
    { x: [1, -0.5], over: 9, total: 180 },
    { x: [1, 0], over: 1, total: 180 },
  ];
  const height = (a: number, b: number): number =>
    rows.reduce((sum, { x, over, total }) => {
      const mean = Math.min(0.95, Math.exp(a + b * x[1]!));
      return sum + over * Math.log(mean) + (total - over) * Math.log1p(-mean);
    }, 0) -
    0.5 * ((a - prior.mean[0]!) ** 2 / 16 + (b - prior.mean[1]!) ** 2 / 25);
  const { coefficients } = fitLogLinear(rows, prior);
  const found = height(coefficients[0]!, coefficients[1]!);
  for (let a = -8; a <= -2; a += 0.02) {
    for (let b = -14; b <= 0; b += 0.05) assert.ok(height(a, b) <= found + 1e-9, `${a} ${b}`);
  }
});

test("a single proportion has the standard error of the delta method", () => {
  const { coefficients, standardErrors } = fitLogLinear([{ x: [1], over: 40, total: 1000 }], {
    mean: [-3],
    precision: [1e-9],
  });
  assert.ok(Math.abs(coefficients[0]! - Math.log(0.04)) < 1e-6);
  // var(ln p) = (1 − p) / (n p)
  assert.ok(Math.abs(standardErrors[0]! - Math.sqrt(0.96 / 40)) < 1e-4);
});

test("without data the prior comes back, with its own standard deviation", () => {
  const { coefficients, standardErrors } = fitLogLinear([], { mean: [-4.6], precision: [1 / 16] });
  assert.deepEqual(coefficients, [-4.6]);
  assert.ok(Math.abs(standardErrors[0]! - 4) < 1e-9);
});
