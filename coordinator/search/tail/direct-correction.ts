import { logit } from "../logistic.ts";

/** What is believed of ln λ* before the counts over the limit itself are looked at. */
export interface RatePrior {
  readonly ratePerSecond: number;
  readonly logSd: number;
  /** d logit P(over) / d(λ/λ*) near the answer. */
  readonly slope: number;
  /** Rates above this are out of the question. */
  readonly rateMaxPerSecond: number;
  /** How far below and above the prior's rate the grid reaches, in ln(rate). */
  readonly logReach: number;
}

/** Counts over the limit at a rate, already divided by their clump factor. */
export interface DirectCount {
  readonly ratePerSecond: number;
  readonly over: number;
  readonly total: number;
}

export interface RatePosterior {
  readonly ratePerSecond: number;
  readonly logSd: number;
  readonly lowPerSecond: number;
  readonly highPerSecond: number;
}

const GRID = 161;
/** The slope is known within a factor: these, weighed as a lognormal of this standard deviation. */
const SLOPE_FACTORS = [0.35, 0.5, 0.7, 1, 1.4, 2] as const;
const SLOPE_LOG_SD = 0.45;
const LOGIT_MIN = -20;
const LOGIT_MAX = 8;

/**
 * Corrects an estimate by the counts over the limit itself.
 *
 * Prior: ln λ* ~ N(ln estimate, sd²). Likelihood: binomial counts, tempered by their clump factor, with
 * logit P(over | λ) = logit ε + β (λ/λ* − 1). On a grid of 161 points of ln λ*, summed over six values of β. As counts
 * grow they take over, so the answer stays right where the model behind the prior is wrong.
 *
 * @param tail probability left out at each end of the interval: 0.025 for 95 %.
 */
export function correctDirectly(
  prior: RatePrior,
  counts: readonly DirectCount[],
  { allowedFraction, tail }: { readonly allowedFraction: number; readonly tail: number },
): RatePosterior {
  const centre = Math.log(prior.ratePerSecond);
  const from = centre - prior.logReach;
  const step = (2 * prior.logReach) / (GRID - 1);
  const grid = Array.from({ length: GRID }, (_, i) => from + i * step);
  const logWeights = grid.map((logRate) =>
    Math.exp(logRate) > prior.rateMaxPerSecond
      ? []
      : SLOPE_FACTORS.map(
          (factor) =>
            -0.5 * ((logRate - centre) / prior.logSd) ** 2 -
            0.5 * (Math.log(factor) / SLOPE_LOG_SD) ** 2 +
            logLikelihood(counts, {
              rate: Math.exp(logRate),
              slope: prior.slope * factor,
              logitAllowed: logit(allowedFraction),
            }),
        ),
  );
  const largest = logWeights.flat().reduce((most, one) => Math.max(most, one), -Infinity);
  const weights = logWeights.map((line) =>
    line.reduce((sum, one) => sum + Math.exp(one - largest), 0),
  );
  return summaryOf(grid, weights, tail);
}

function logLikelihood(
  counts: readonly DirectCount[],
  at: { readonly rate: number; readonly slope: number; readonly logitAllowed: number },
): number {
  let sum = 0;
  for (const { ratePerSecond, over, total } of counts) {
    const raw = at.logitAllowed + at.slope * (ratePerSecond / at.rate - 1);
    const x = Math.max(LOGIT_MIN, Math.min(LOGIT_MAX, raw));
    // ln(1 + e^−x), without overflow: −ln P(over); adding x gives −ln P(not over).
    const negative = x > 0 ? Math.log1p(Math.exp(-x)) : -x + Math.log1p(Math.exp(x));
    sum -= over * negative + (total - over) * (negative + x);
  }
  return sum;
}

function summaryOf(
  grid: readonly number[],
  weights: readonly number[],
  tail: number,
): RatePosterior {
  const total = weights.reduce((sum, weight) => sum + weight, 0);
  const shares = weights.map((weight) => weight / total);
  const mean = grid.reduce((sum, x, i) => sum + x * (shares[i] ?? 0), 0);
  const variance = grid.reduce((sum, x, i) => sum + (x - mean) ** 2 * (shares[i] ?? 0), 0);
  const quantile = (probability: number): number => {
    let below = 0;
    for (const [i, x] of grid.entries()) {
      below += shares[i] ?? 0;
      if (below >= probability) return Math.exp(x);
    }
    return Math.exp(grid.at(-1) ?? mean);
  };
  return {
    ratePerSecond: Math.exp(mean),
    logSd: Math.sqrt(variance),
    lowPerSecond: quantile(tail),
    highPerSecond: quantile(1 - tail),
  };
}
