/**
 * Variance of an estimate by leaving out one block at a time: pseudo-values n θ − (n − 1) θ₋ᵢ, and the variance of
 * their mean. It holds what between-block noise, clumps and drift do to the fit, with no model of them.
 *
 * @param estimateWithout θ with the i-th block left out.
 * @see Efron & Tibshirani, An Introduction to the Bootstrap, ch. 11 (delete-one jackknife).
 */
export function jackknifeVariance(
  estimate: number,
  blockCount: number,
  estimateWithout: (index: number) => number,
): number {
  const pseudo = Array.from(
    { length: blockCount },
    (_, i) => blockCount * estimate - (blockCount - 1) * estimateWithout(i),
  );
  const mean = pseudo.reduce((sum, value) => sum + value, 0) / blockCount;
  const squares = pseudo.reduce((sum, value) => sum + (value - mean) ** 2, 0);
  return squares / (blockCount - 1) / blockCount;
}
