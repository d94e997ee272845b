/** How far above the allowed fraction the alternatives lie, as multiples of it. */
const ALTERNATIVES = [1.25, 1.5, 2, 3, 5, 8, 15, 30, 60];

/**
 * Log of the e-value against "at most `allowedFraction` are over": the mean likelihood ratio of a spread of
 * larger fractions to the allowed one. Where the claim holds and trials are independent it exceeds ln(1/α) with
 * probability at most α however often one looks (Ville's inequality). Clumped trials are tempered by the caller:
 * divided by the clump factor.
 */
export function mixtureLogEValue(over: number, total: number, allowedFraction: number): number {
  const logRatios = ALTERNATIVES.map((multiple) => {
    // Never 1, or a single request within the limit would refute the alternative.
    const fraction = Math.min(
      multiple * allowedFraction,
      allowedFraction + 0.95 * (1 - allowedFraction),
    );
    return (
      over * Math.log(fraction / allowedFraction) +
      (total - over) * (Math.log1p(-fraction) - Math.log1p(-allowedFraction))
    );
  });
  const largest = Math.max(...logRatios);
  const scaled = logRatios.reduce((sum, ratio) => sum + Math.exp(ratio - largest), 0);
  return largest + Math.log(scaled / logRatios.length);
}
