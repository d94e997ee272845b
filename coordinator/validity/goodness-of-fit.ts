/** Terms of the series below; the first few decide where it matters. */
const SERIES_TERMS = 100;
const FRACTION_TERMS_MAX = 500;
const PRECISION = 1e-14;

/**
 * P(D ≥ d) of the Kolmogorov–Smirnov statistic of `count` values: Q(λ) = 2 Σ (−1)^(k−1) e^(−2 k² λ²) at
 * λ = (√n + 0.12 + 0.11/√n) · d, good to a few percent for any count from 4.
 *
 * @see Stephens, "Use of the Kolmogorov–Smirnov … statistics …", JRSS B 32 (1970); Numerical Recipes §14.3.
 */
export function kolmogorovP(d: number, count: number): number {
  const root = Math.sqrt(count);
  const lambda = (root + 0.12 + 0.11 / root) * d;
  // The series is 1 to every digit below, and converges too slowly to say so.
  if (lambda < 0.2) return 1;
  let sum = 0;
  for (let k = 1; k <= SERIES_TERMS; k += 1)
    sum += (k % 2 === 1 ? 2 : -2) * Math.exp(-2 * k * k * lambda * lambda);
  return Math.min(1, Math.max(0, sum));
}

/**
 * The range a χ² variable over its degrees of freedom lies in, but for `z` normal deviations on either side, by
 * Wilson and Hilferty's cube root (PNAS 17, 1931): within 1 % from 10 degrees on.
 */
export function chiSquareBand(
  degrees: number,
  z: number,
): { readonly low: number; readonly high: number } {
  const part = 2 / (9 * degrees);
  const at = (deviations: number): number =>
    Math.max(0, 1 - part + deviations * Math.sqrt(part)) ** 3;
  return { low: at(-z), high: at(z) };
}

/**
 * P(X ≤ x) of a gamma variable of the given shape and scale 1: the regularised incomplete gamma function, by its
 * series below shape + 1 and by its continued fraction (Lentz) above.
 *
 * @see Numerical Recipes §6.2; Abramowitz and Stegun 6.5.29 and 6.5.31.
 */
export function gammaCdf(x: number, shape: number): number {
  if (x <= 0) return 0;
  const front = Math.exp(shape * Math.log(x) - x - logGamma(shape));
  return x < shape + 1 ? front * lowerSeries(x, shape) : 1 - front * upperFraction(x, shape);
}

function lowerSeries(x: number, shape: number): number {
  let term = 1 / shape;
  let sum = term;
  for (let n = 1; n <= FRACTION_TERMS_MAX && term > PRECISION * sum; n += 1) {
    term *= x / (shape + n);
    sum += term;
  }
  return sum;
}

function upperFraction(x: number, shape: number): number {
  const awayFromZero = (value: number): number => (Math.abs(value) < 1e-300 ? 1e-300 : value);
  let b = x + 1 - shape;
  let c = 1e300;
  let d = 1 / awayFromZero(b);
  let result = d;
  for (let n = 1; n <= FRACTION_TERMS_MAX; n += 1) {
    const a = -n * (n - shape);
    b += 2;
    d = 1 / awayFromZero(a * d + b);
    c = awayFromZero(b + a / c);
    result *= d * c;
    if (Math.abs(d * c - 1) < PRECISION) break;
  }
  return result;
}

/** ln Γ(x) for x > 0: Stirling's series from 8 on (A&S 6.1.41), below it by Γ(x) = Γ(x + 1) / x. */
function logGamma(x: number): number {
  if (x < 8) return logGamma(x + 1) - Math.log(x);
  const inverse = 1 / x;
  const square = inverse * inverse;
  const series =
    inverse *
    (1 / 12 - square * (1 / 360 - square * (1 / 1260 - square * (1 / 1680 - square / 1188))));
  return (x - 0.5) * Math.log(x) - x + 0.5 * Math.log(2 * Math.PI) + series;
}
