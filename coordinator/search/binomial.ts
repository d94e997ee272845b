/** Lanczos' coefficients for g = 7, n = 9 (Godfrey 2001); 15 digits. */
const LANCZOS = [
  0.99999999999980993, 676.5203681218851, -1259.1392167224028, 771.32342877765313,
  -176.61502916214059, 12.507343278686905, -0.13857109526572012, 9.9843695780195716e-6,
  1.5056327351493116e-7,
];

/** ln Γ(x) for x ≥ 0.5. */
function logGamma(x: number): number {
  const z = x - 1;
  const series = LANCZOS.reduce((sum, c, i) => (i === 0 ? c : sum + c / (z + i)), 0);
  const t = z + 7.5;
  return 0.5 * Math.log(2 * Math.PI) + (z + 0.5) * Math.log(t) - t + Math.log(series);
}

const FRACTION_TERMS_MAX = 20_000;

/** The continued fraction of the incomplete beta function, by Lentz' method (Numerical Recipes §6.4). */
function betaFraction(a: number, b: number, x: number): number {
  const awayFromZero = (value: number): number => (Math.abs(value) < 1e-300 ? 1e-300 : value);
  let c = 1;
  let d = 1 / awayFromZero(1 - ((a + b) * x) / (a + 1));
  let result = d;
  for (let m = 1; m <= FRACTION_TERMS_MAX; m++) {
    const even = (m * (b - m) * x) / ((a + 2 * m - 1) * (a + 2 * m));
    d = 1 / awayFromZero(1 + even * d);
    c = awayFromZero(1 + even / c);
    result *= d * c;
    const odd = (-(a + m) * (a + b + m) * x) / ((a + 2 * m) * (a + 2 * m + 1));
    d = 1 / awayFromZero(1 + odd * d);
    c = awayFromZero(1 + odd / c);
    result *= d * c;
    if (Math.abs(d * c - 1) < 1e-14) break;
  }
  return result;
}

/** Regularised incomplete beta function I_x(a, b), for a, b ≥ 0.5. */
export function incompleteBeta(a: number, b: number, x: number): number {
  if (x <= 0) return 0;
  if (x >= 1) return 1;
  const front = Math.exp(
    logGamma(a + b) - logGamma(a) - logGamma(b) + a * Math.log(x) + b * Math.log1p(-x),
  );
  return x < (a + 1) / (a + b + 2)
    ? (front * betaFraction(a, b, x)) / a
    : 1 - (front * betaFraction(b, a, 1 - x)) / b;
}

/**
 * P(X ≤ over) for X binomial(total, fraction). The counts may be fractional (divided by a clump factor):
 * the beta integral carries the distribution over between the whole numbers.
 */
export function binomialCdf(over: number, total: number, fraction: number): number {
  if (over < 0) return 0;
  // Below half a trial short of all the integral has no meaning; the answer is 1 to any use made of it.
  if (over > total - 0.5) return 1;
  return incompleteBeta(total - over, over + 1, 1 - fraction);
}

/** P(X ≥ over) for X binomial(total, fraction); fractional counts as in `binomialCdf`. */
export function binomialTail(over: number, total: number, fraction: number): number {
  if (over < 0.5) return 1;
  return incompleteBeta(over, total - over + 1, fraction);
}
