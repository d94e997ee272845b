import type { Ratio } from "../compare/ratio.ts";

/** A ratio as a change: "31 % more", "12 % less". */
export function changeText(ratio: number): string {
  const change = Math.abs(100 * (ratio - 1));
  const digits = change < 9.95 ? change.toFixed(1) : change.toFixed(0);
  return `${digits} % ${ratio >= 1 ? "more" : "less"}`;
}

export function intervalText({ low, high }: Ratio): string {
  if (low <= 0 && high === null) return "no bound";
  if (low <= 0) return `at most ${changeText(high ?? 0)}`;
  if (high === null) return `at least ${changeText(low)}`;
  return `${changeText(low)} to ${changeText(high)}`;
}

/** An interval, whatever its unit: "1.22–1.39", "≥ 1.22". */
export function bounds(
  { low, high }: { readonly low: number; readonly high: number | null },
  text: (value: number) => string,
): string {
  return high === null ? `≥ ${text(low)}` : `${text(low)}–${text(high)}`;
}
