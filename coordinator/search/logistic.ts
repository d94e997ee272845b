import { assert } from "../../shared/assert.ts";
import {
  addRow,
  type CountRow,
  type Derivatives,
  dot,
  type GaussianPrior,
  priorDerivatives,
  solveLinear,
} from "./glm.ts";

/** Linear predictors are held within this, where the logistic curve is flat to any use made of it. */
const LOGIT_MAX = 25;
const ITERATIONS_MAX = 40;
/** A Newton step moves no coefficient further than this. */
const STEP_MAX = 3;
const CONVERGED_STEP = 1e-7;
const WEIGHT_MIN = 1e-9;

export function logit(fraction: number): number {
  return Math.log(fraction / (1 - fraction));
}

export function logistic(x: number): number {
  return 1 / (1 + Math.exp(-x));
}

/**
 * Fits `logit P(over) = x · c` to counts: a quasi-binomial model with the canonical link and Gaussian priors.
 *
 * Newton's method (McCullagh & Nelder, Generalized Linear Models, §4.4); the log-posterior is concave, so short steps
 * are enough to reach its only maximum. Dispersion enters through the rows' weights.
 */
export function fitLogistic(rows: readonly CountRow[], prior: GaussianPrior): readonly number[] {
  assert(prior.mean.length === prior.precision.length, "a prior has a precision for each mean");
  let coefficients: readonly number[] = prior.mean;
  for (let iteration = 0; iteration < ITERATIONS_MAX; iteration++) {
    const { gradient, information } = derivatives(rows, prior, coefficients);
    const direction = solveLinear(information, gradient);
    const longest = direction.reduce((most, part) => Math.max(most, Math.abs(part)), 0);
    const length = Math.min(1, STEP_MAX / Math.max(longest, 1e-12));
    coefficients = coefficients.map((value, i) => value + length * (direction[i] ?? 0));
    if (longest < CONVERGED_STEP) break;
  }
  return coefficients;
}

function derivatives(
  rows: readonly CountRow[],
  prior: GaussianPrior,
  coefficients: readonly number[],
): Derivatives {
  const sums = priorDerivatives(prior, coefficients);
  for (const { x, over, total } of rows) {
    if (total <= 0) continue;
    const predictor = dot(x, coefficients);
    const mean = logistic(Math.max(-LOGIT_MAX, Math.min(LOGIT_MAX, predictor)));
    const weight = total * Math.max(mean * (1 - mean), WEIGHT_MIN);
    addRow(sums, x, { residual: over - total * mean, weight });
  }
  return sums;
}
