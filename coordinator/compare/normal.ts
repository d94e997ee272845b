import { assert } from "../../shared/assert.ts";

/** Terms beyond it change nothing for |x| < 8. */
const TERMS_MAX = 200;
const HALVINGS = 60;

/**
 * P(Z <= x) of the standard normal distribution, for |x| < 8: ½ + φ(x) (x + x³/3 + x⁵/(3·5) + …).
 *
 * @see Marsaglia (2004), Evaluating the Normal Distribution, Journal of Statistical Software 11(4).
 */
function normalCdf(x: number): number {
  let term = x;
  let sum = x;
  for (let n = 1; n < TERMS_MAX; n++) {
    term *= (x * x) / (2 * n + 1);
    sum += term;
  }
  return 0.5 + (sum * Math.exp((-x * x) / 2)) / Math.sqrt(2 * Math.PI);
}

/** The z below which a standard normal falls with the given probability, found by halving. */
export function normalQuantile(probability: number): number {
  assert(probability > 1e-12 && probability < 1 - 1e-12, "a quantile lies between 0 and 1");
  let low = -7.5;
  let high = 7.5;
  for (let i = 0; i < HALVINGS; i++) {
    const middle = (low + high) / 2;
    if (normalCdf(middle) < probability) low = middle;
    else high = middle;
  }
  return (low + high) / 2;
}
