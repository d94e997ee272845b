import { assert } from "../../shared/assert.ts";

/** One row of counts: `over` of `total` (weighted, so not whole numbers) at the covariates `x`. */
export interface CountRow {
  readonly x: readonly number[];
  readonly over: number;
  readonly total: number;
}

/** Independent Gaussian priors, one a coefficient; a precision is 1 / standard deviation². */
export interface GaussianPrior {
  readonly mean: readonly number[];
  readonly precision: readonly number[];
}

export interface LogLinearFit {
  readonly coefficients: readonly number[];
  /** Square roots of the diagonal of the inverse information. */
  readonly standardErrors: readonly number[];
}

/** The mean of a row is held below this, where the log link leaves the range of a probability. */
const LOG_MEAN_MAX = Math.log(0.95);
const LOG_MEAN_MIN = -30;
const ITERATIONS_MAX = 40;
const HALVINGS_MAX = 12;
/** A Newton step moves no coefficient further than this, so that a flat start cannot overshoot. */
const STEP_MAX = 4;
const CONVERGED_STEP = 1e-6;
/** Keeps the information matrix regular where a row has (almost) no weight. */
const WEIGHT_MIN = 1e-9;

/**
 * Fits `ln P(over) = x · c` to counts: a quasi-binomial model with log link and Gaussian priors.
 *
 * Newton on the penalised log-likelihood; a step that lowers it is halved. Dispersion enters through the rows'
 * weights (counts divided by the clump factor), so the standard errors already hold it.
 * The log link is chosen because the tail of a stable queue is log-linear in the threshold.
 */
export function fitLogLinear(rows: readonly CountRow[], prior: GaussianPrior): LogLinearFit {
  const coefficients = logLinearCoefficients(rows, prior, prior.mean);
  const { information } = derivatives(rows, prior, coefficients);
  return { coefficients, standardErrors: standardErrorsOf(information) };
}

/** As `fitLogLinear`, without the standard errors. @param start where Newton begins: an earlier fit saves steps. */
export function logLinearCoefficients(
  rows: readonly CountRow[],
  prior: GaussianPrior,
  start: readonly number[],
): readonly number[] {
  assert(prior.mean.length === prior.precision.length, "a prior has a precision for each mean");
  let coefficients = [...start];
  let likelihood = logPosterior(rows, prior, coefficients);
  for (let iteration = 0; iteration < ITERATIONS_MAX; iteration++) {
    const { gradient, information } = derivatives(rows, prior, coefficients);
    const direction = solveLinear(information, gradient);
    const longest = direction.reduce((most, part) => Math.max(most, Math.abs(part)), 0);
    let length = longest > STEP_MAX ? STEP_MAX / longest : 1;
    let next = stepped(coefficients, direction, length);
    let nextLikelihood = logPosterior(rows, prior, next);
    for (let halving = 0; halving < HALVINGS_MAX && nextLikelihood < likelihood - 1e-9; halving++) {
      length /= 2;
      next = stepped(coefficients, direction, length);
      nextLikelihood = logPosterior(rows, prior, next);
    }
    coefficients = next;
    likelihood = nextLikelihood;
    if (longest * length < CONVERGED_STEP) break;
  }
  return coefficients;
}

function stepped(from: readonly number[], direction: readonly number[], length: number): number[] {
  return from.map((part, i) => part + length * (direction[i] ?? 0));
}

export function dot(x: readonly number[], c: readonly number[]): number {
  let sum = 0;
  for (let i = 0; i < x.length; i++) sum += (x[i] ?? 0) * (c[i] ?? 0);
  return sum;
}

function logPosterior(
  rows: readonly CountRow[],
  prior: GaussianPrior,
  coefficients: readonly number[],
): number {
  let sum = 0;
  coefficients.forEach((value, i) => {
    sum -= 0.5 * (prior.precision[i] ?? 0) * (value - (prior.mean[i] ?? 0)) ** 2;
  });
  for (const { x, over, total } of rows) {
    if (total <= 0) continue;
    const logMean = Math.max(LOG_MEAN_MIN, Math.min(LOG_MEAN_MAX, dot(x, coefficients)));
    sum += over * logMean + (total - over) * Math.log1p(-Math.exp(logMean));
  }
  return sum;
}

/** Gradient and information (the negative Hessian) of a log-posterior. */
export interface Derivatives {
  readonly gradient: number[];
  readonly information: number[][];
}

/** What the prior alone adds to them. */
export function priorDerivatives(
  prior: GaussianPrior,
  coefficients: readonly number[],
): Derivatives {
  return {
    gradient: coefficients.map(
      (value, i) => -(prior.precision[i] ?? 0) * (value - (prior.mean[i] ?? 0)),
    ),
    information: coefficients.map((_, i) =>
      coefficients.map((__, j) => (i === j ? (prior.precision[i] ?? 0) : 0)),
    ),
  };
}

/** Adds a row's part: its residual and its weight, both on the scale of the linear predictor. */
export function addRow(
  { gradient, information }: Derivatives,
  x: readonly number[],
  { residual, weight }: { readonly residual: number; readonly weight: number },
): void {
  // Plain loops: a search fits thousands of rows at each of its decisions.
  for (let i = 0; i < x.length; i++) {
    const xi = x[i] ?? 0;
    const line = information[i] ?? [];
    gradient[i] = (gradient[i] ?? 0) + xi * residual;
    for (let j = 0; j < x.length; j++) line[j] = (line[j] ?? 0) + weight * xi * (x[j] ?? 0);
  }
}

function derivatives(
  rows: readonly CountRow[],
  prior: GaussianPrior,
  coefficients: readonly number[],
): Derivatives {
  const sums = priorDerivatives(prior, coefficients);
  for (const { x, over, total } of rows) {
    if (total <= 0) continue;
    const raw = dot(x, coefficients);
    const mean = Math.exp(Math.max(LOG_MEAN_MIN, Math.min(LOG_MEAN_MAX, raw)));
    // At the cap the likelihood is flat upwards: a row that asks for more has no say.
    if (raw > LOG_MEAN_MAX && over >= total * mean) continue;
    const weight = (total * mean) / (1 - mean) + WEIGHT_MIN;
    addRow(sums, x, { residual: (over - total * mean) / (1 - mean), weight });
  }
  return sums;
}

function standardErrorsOf(information: readonly (readonly number[])[]): number[] {
  return information.map((_, i) => {
    const unit = information.map((__, j) => (i === j ? 1 : 0));
    const variance = solveLinear(information, unit)[i] ?? 0;
    return Math.sqrt(Math.max(variance, 1e-9));
  });
}

/** Solves `matrix · x = rhs` by Gaussian elimination with partial pivoting; for a handful of unknowns. */
// eslint-disable-next-line complexity -- the branches are the `?? 0` of checked indexing, not decisions.
export function solveLinear(
  matrix: readonly (readonly number[])[],
  rhs: readonly number[],
): number[] {
  const size = rhs.length;
  const left = matrix.map((row, i) => [...row, rhs[i] ?? 0]);
  const used: number[][] = [];
  for (let column = 0; column < size; column++) {
    const pivot = takePivot(left, column);
    used.push(pivot);
    for (const row of left) {
      const factor = (row[column] ?? 0) / (pivot[column] ?? 1);
      for (let k = column; k <= size; k++) row[k] = (row[k] ?? 0) - factor * (pivot[k] ?? 0);
    }
  }
  const solution = new Array<number>(size).fill(0);
  for (let i = size - 1; i >= 0; i--) {
    const row = used[i] ?? [];
    let value = row[size] ?? 0;
    for (let j = i + 1; j < size; j++) value -= (row[j] ?? 0) * (solution[j] ?? 0);
    solution[i] = value / (row[i] ?? 1);
  }
  return solution;
}

/** Takes the row with the largest entry in `column` out of `rows`. */
function takePivot(rows: number[][], column: number): number[] {
  const sizes = rows.map((row) => Math.abs(row[column] ?? 0));
  const [pivot] = rows.splice(sizes.indexOf(Math.max(...sizes)), 1);
  assert(pivot !== undefined && pivot[column] !== 0, "the system is regular");
  return pivot;
}
