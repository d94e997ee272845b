/** What is said of an interval of a half-width (both as fractions of the rate) beside the one that was asked for. */
export function precisionNotes(halfWidth: number, askedFraction: number): readonly string[] {
  if (halfWidth <= askedFraction) return [];
  // Never so rounded that the two look the same.
  const digits = [0, 1, 2, 3].find((n) => percent(halfWidth, n) !== percent(askedFraction, n)) ?? 4;
  return [
    `the interval is ±${percent(halfWidth, digits)} %, wider than the ±${percent(askedFraction, digits)} % asked for: more time would narrow it`,
  ];
}

function percent(fraction: number, digits: number): string {
  return (100 * fraction).toFixed(digits);
}
