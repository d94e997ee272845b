import { NOTHING } from "./format.ts";

/** An amount of money without its currency: cents, or two digits of what is less. */
export function money(value: number | null | undefined): string {
  if (value === null || value === undefined) return NOTHING;
  if (value >= 1_000) return Math.round(value).toLocaleString("en-US");
  return value >= 0.1 ? value.toFixed(2) : value.toPrecision(2);
}
