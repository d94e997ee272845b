import type { ClauseWindow } from "../clause-window.ts";
import { clumpsOf } from "../clumps.ts";

/** Exceedances of u further apart than max(1.5 u, 4 / rate) belong to different busy periods. */
const GAP_LIMITS = 1.5;
const GAP_ARRIVALS = 4;
/** Where more than this exceed, the clumps have run into one: their sizes tell nothing. */
const FRACTION_MAX = 0.5;
/** Of the exceedances counted, at least this part must be listed, or clumps would seem smaller than they are. */
const LISTED_MIN = 0.9;
/** Σs² and Σs over the clump sizes s of the requests over the j-th threshold; both 0 where they say nothing. */
export function clumpSumsOf(window: ClauseWindow, j: number): { squares: number; sizes: number } {
  const over = window.over[j] ?? 0;
  const nothing = { squares: 0, sizes: 0 };
  if (over === 0 || over > FRACTION_MAX * (window.decided[j] ?? 0)) return nothing;
  const atS = window.exceedances.filter(({ level }) => level >= j).map((one) => one.atS);
  if (atS.length < LISTED_MIN * over) return nothing;
  const thresholdS = (window.limitS ?? 0) * (window.thresholds[j] ?? 1);
  const gapS = Math.max(GAP_LIMITS * thresholdS, GAP_ARRIVALS / window.ratePerSecond);
  const { factor } = clumpsOf(atS, gapS);
  return { squares: factor * atS.length, sizes: atS.length };
}
