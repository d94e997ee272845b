import type { ClauseWindow } from "./clause-window.ts";
import { clumpsOf, dispersionOf } from "./clumps.ts";

/** What a verdict on one clause needs of a window: counts by threshold, and how far they come in clumps. Plain JSON. */
export interface ClauseTally {
  /** By threshold: requests decided, and those over it. */
  readonly decided: readonly number[];
  readonly over: readonly number[];
  /** φ of the requests over the limit; 0 without any. */
  readonly limitClumpFactor: number;
  /** φ where a tenth of the requests are over; 0 for a clause without a tail. */
  readonly bodyClumpFactor: number;
}

/** φ is at least this: neighbours in a queue are never quite independent. */
const CLUMP_FACTOR_MIN = 2;
/** Taken when bad requests were counted and none of them is listed. */
const CLUMP_FACTOR_UNKNOWN = 20;
/** Exceedances further apart than max(2 u, 5 / rate) belong to different busy periods. */
const CLUMP_GAP_LIMITS = 2;
const CLUMP_GAP_ARRIVALS = 5;
/** The clump factor of the body is taken where about a tenth of the requests are over. */
const BODY_FRACTION = 0.1;
const DISPERSION_BINS_MAX = 20;
const DISPERSION_BINS_MIN = 8;
/** Expected exceedances within one clump gap, were they independent: above it runs merge by chance. */
const RUNS_DENSITY_MAX = 0.4;

/** Sums a window up. */
export function tallyOf(window: ClauseWindow): ClauseTally {
  const { decided, over, limitIndex } = window;
  const limitClumpFactor = window.hasTail
    ? clumpFactorAt(window, limitIndex)
    : countedClumpFactor(window);
  return {
    decided,
    over,
    limitClumpFactor: Math.max(CLUMP_FACTOR_MIN, limitClumpFactor),
    bodyClumpFactor: window.hasTail ? Math.max(CLUMP_FACTOR_MIN, bodyClumpFactor(window)) : 0,
  };
}

/** Several windows of the same clause as one: counts add up, clump factors weigh by what they were seen on. */
export function pooledTally(tallies: readonly ClauseTally[], limitIndex: number): ClauseTally {
  const [first] = tallies;
  const summed = (countsOf: (tally: ClauseTally) => readonly number[]): readonly number[] =>
    (first?.over ?? []).map((_, j) =>
      tallies.reduce((sum, tally) => sum + (countsOf(tally)[j] ?? 0), 0),
    );
  const weighed = (
    factorOf: (tally: ClauseTally) => number,
    weightOf: (tally: ClauseTally) => number,
  ): number => {
    const weight = tallies.reduce((sum, tally) => sum + weightOf(tally), 0);
    if (weight === 0) return Math.max(0, ...tallies.map(factorOf));
    return tallies.reduce((sum, tally) => sum + factorOf(tally) * weightOf(tally), 0) / weight;
  };
  return {
    decided: summed(({ decided }) => decided),
    over: summed(({ over }) => over),
    // Σs² / Σs over all the clumps is the mean of the factors, weighed by the exceedances.
    limitClumpFactor: weighed(
      ({ limitClumpFactor }) => limitClumpFactor,
      ({ over }) => over[limitIndex] ?? 0,
    ),
    bodyClumpFactor: weighed(
      ({ bodyClumpFactor: factor }) => factor,
      ({ decided }) => decided[limitIndex] ?? 0,
    ),
  };
}

/** φ of the requests over the j-th threshold of a clause with a tail. */
function tailClumpFactorAt(window: ClauseWindow, j: number): number {
  const { ratePerSecond, windowS } = window;
  const gapS = clumpGapS(window, j);
  const share = (window.over[j] ?? 0) / Math.max(1, window.decided[j] ?? 0);
  const bins = Math.min(DISPERSION_BINS_MAX, Math.floor(windowS / gapS));
  // So dense that even independent exceedances run into one another, the length of a run tells nothing.
  if (ratePerSecond * share * gapS < RUNS_DENSITY_MAX || bins < DISPERSION_BINS_MIN) {
    return clumpFactorAt(window, j);
  }
  const atS = window.exceedances.filter(({ level }) => level >= j).map((one) => one.atS);
  if (atS.length < (window.over[j] ?? 0)) return clumpFactorAt(window, j);
  // Slow waves show only between long stretches, quick ones also between short ones; the larger counts. An estimate
  // of a variance from so few bins may as well be too low: one standard error is added.
  return Math.max(
    ...[bins, DISPERSION_BINS_MIN].map(
      (count) => dispersionOf(atS, windowS, count) * (1 + Math.sqrt(2 / (count - 1))),
    ),
  );
}

/** φ of the requests over the j-th threshold, from the runs of exceedances. */
function clumpFactorAt(window: ClauseWindow, j: number): number {
  const atS = window.exceedances.filter(({ level }) => level >= j).map((one) => one.atS);
  const over = window.over[j] ?? 0;
  if (atS.length === 0) return over === 0 ? 0 : CLUMP_FACTOR_UNKNOWN;
  const { factor } = clumpsOf(atS, clumpGapS(window, j));
  // Agents list a bounded number a second, and of a hot second none below the threshold that a third exceed: the
  // clumps seen are then samples of larger ones. A gap clause counts gaps and lists requests.
  return factor * Math.max(1, over / atS.length);
}

function clumpGapS(window: ClauseWindow, j: number): number {
  const thresholdS = (window.limitS ?? 0) * (window.thresholds[j] ?? 1);
  return Math.max(CLUMP_GAP_LIMITS * thresholdS, CLUMP_GAP_ARRIVALS / window.ratePerSecond);
}

/** φ where a tenth of the requests are over: between the two thresholds around that point, by its place in ln S. */
function bodyClumpFactor(window: ClauseWindow): number {
  const { over, decided, limitIndex } = window;
  const logShare = (j: number): number => Math.log((over[j] ?? 0) / (decided[j] ?? 1));
  const first = over.findIndex((bad, j) => bad <= BODY_FRACTION * (decided[j] ?? 0));
  const above = first === -1 ? limitIndex : Math.min(first, limitIndex);
  const factorAbove = tailClumpFactorAt(window, above);
  const below = above - 1;
  if (below < 0 || logShare(below) <= Math.log(BODY_FRACTION)) return factorAbove;
  const place = (logShare(below) - Math.log(BODY_FRACTION)) / (logShare(below) - logShare(above));
  return tailClumpFactorAt(window, below) * (1 - place) + factorAbove * place;
}

/**
 * φ for a clause that is only counted: the largest over its thresholds of clumping and of dispersion between
 * stretches of the window. One step of an engine delays all its streams at once, so gaps never count for more than
 * their requests.
 */
function countedClumpFactor(window: ClauseWindow): number {
  const { limitIndex, windowS } = window;
  const atLimitS = window.exceedances
    .filter(({ level }) => level >= limitIndex)
    .map((one) => one.atS);
  const stretchS = Math.max(1, clumpGapS(window, limitIndex));
  const bins = Math.min(DISPERSION_BINS_MAX, Math.floor(windowS / stretchS));
  const perRequest = Math.max(1, (window.decided[limitIndex] ?? 0) / Math.max(1, window.fired));
  return Math.max(
    CLUMP_FACTOR_MIN * perRequest,
    dispersionOf(atLimitS, windowS, bins) * perRequest,
    ...window.thresholds.map((_, j) => (j <= limitIndex ? clumpFactorAt(window, j) : 0)),
  );
}
