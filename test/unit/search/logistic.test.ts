import assert from "node:assert/strict";
import { test } from "node:test";
import { fitLogistic, logistic, logit } from "../../../coordinator/search/logistic.ts";

const FLAT = { mean: [0, 0], precision: [1e-9, 1e-9] };

test("the logit and the logistic curve undo each other", () => {
  for (const fraction of [1e-6, 0.01, 0.5, 0.99]) {
    assert.ok(Math.abs(logistic(logit(fraction)) / fraction - 1) < 1e-9);
  }
});

test("a fit to exact fractions gives back their line", () => {
  const rows = [-2, -1, 0, 1, 2].map((x) => ({
    x: [1, x],
    over: 1_000 * logistic(-3 + 1.5 * x),
    total: 1_000,
  }));
  const [intercept, slope] = fitLogistic(rows, FLAT);
  assert.ok(Math.abs(intercept! + 3) < 1e-6);
  assert.ok(Math.abs(slope! - 1.5) < 1e-6);
});

test("without data the prior's mean is the answer", () => {
  assert.deepEqual(fitLogistic([], { mean: [-4, 12], precision: [1, 1] }), [-4, 12]);
});

test("a fit maximises the posterior: the gradient is nought", () => {
  const rows = [
    { x: [1, 0], over: 3, total: 100 },
    { x: [1, 1], over: 40, total: 90 },
  ];
  const prior = { mean: [-6, 15], precision: [1 / 9, 1 / 144] };
  const fitted = fitLogistic(rows, prior);
  const gradient = fitted.map((value, i) =>
    rows.reduce(
      (sum, { x, over, total }) =>
        sum + x[i]! * (over - total * logistic(x[0]! * fitted[0]! + x[1]! * fitted[1]!)),
      -prior.precision[i]! * (value - prior.mean[i]!),
    ),
  );
  for (const part of gradient) assert.ok(Math.abs(part) < 1e-6);
});
