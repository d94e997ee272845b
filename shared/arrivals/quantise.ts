import { NS_PER_US } from "../units.ts";

/**
 * Rounds an instant to a whole µs (still in ns). Every process does it as its last step: machines whose libraries
 * differ in the last bit of a logarithm still agree on the schedule, and the window's hash is over whole numbers.
 */
export function wholeUsNs(atNs: number): number {
  return Math.round(atNs / NS_PER_US) * NS_PER_US;
}
