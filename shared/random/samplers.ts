import { assert } from "../assert.ts";
import type { Prng } from "./stream.ts";

/** Exponential of mean 1, by inversion. */
export function drawExponential(prng: Prng): number {
  // nextUnit() may be 0 but never 1, so 1 - u keeps ln away from zero.
  return -Math.log(1 - prng.nextUnit());
}

/**
 * Normal of mean 0 and standard deviation 1, by Marsaglia's polar method.
 *
 * Its second value is thrown away: keeping it would make a draw depend on the draws before it.
 *
 * @see Marsaglia & Bray, "A convenient method for generating normal variables", SIAM Review 6 (1964).
 */
export function drawNormal(prng: Prng): number {
  for (;;) {
    const x = 2 * prng.nextUnit() - 1;
    const y = 2 * prng.nextUnit() - 1;
    const square = x * x + y * y;
    if (square > 0 && square < 1) return x * Math.sqrt((-2 * Math.log(square)) / square);
  }
}

/**
 * Gamma of the given shape and scale 1 (mean = shape).
 *
 * A shape below 1 is drawn as gamma(shape + 1) · U^(1 / shape).
 *
 * @param shape above 0.
 * @see Marsaglia & Tsang, "A simple method for generating gamma variables", ACM TOMS 26 (2000).
 */
export function drawGamma(prng: Prng, shape: number): number {
  assert(shape > 0, "a gamma's shape > 0");
  if (shape < 1) {
    const boost = (1 - prng.nextUnit()) ** (1 / shape);
    return drawGamma(prng, shape + 1) * boost;
  }
  const d = shape - 1 / 3;
  const c = 1 / Math.sqrt(9 * d);
  for (;;) {
    const x = drawNormal(prng);
    const root = 1 + c * x;
    if (root <= 0) continue;
    const v = root * root * root;
    const u = 1 - prng.nextUnit();
    if (Math.log(u) < 0.5 * x * x + d * (1 - v + Math.log(v))) return d * v;
  }
}

/**
 * Lognormal, by the mean and coefficient of variation of the values themselves (not of their logarithms):
 * σ² = ln(1 + cv²), μ = ln(mean) − σ² / 2.
 */
export function drawLognormal(
  prng: Prng,
  options: { readonly mean: number; readonly coefficientOfVariation: number },
): number {
  const variance = Math.log1p(options.coefficientOfVariation ** 2);
  const mu = Math.log(options.mean) - variance / 2;
  return Math.exp(mu + Math.sqrt(variance) * drawNormal(prng));
}
