import type { Arrivals } from "../../shared/arrivals/arrivals.ts";
import { NS_PER_SECOND } from "../../shared/units.ts";
import type { Departures } from "./facts.ts";
import { chiSquareBand, gammaCdf, kolmogorovP } from "./goodness-of-fit.ts";

const GAPS_MIN = 20;
/** Arrivals a bin expects: enough that a gamma process's counts have its asymptotic variance. */
const BIN_ARRIVALS_MIN = 20;
/** A bin is this many times as long as a departure may be late, so that lateness moves few across its edge. */
const BIN_TOLERANCES = 10;
const BINS_MIN = 10;
/**
 * One request in a hundred may be late by more than the tolerance, all of them at once: K of n requests that leave
 * their bins for one other add 2 K² / n to the index. A Poisson process's band has room for it, that of even arrivals
 * has none of its own.
 */
const LATE_AT_ONCE = 2 * 0.01 ** 2;
const FLOAT_DUST = 1e-9;
/** Normal deviations that hold 99.9 %. */
const BAND_Z = 3.2905;

/** How departures fit their process. */
export interface DeparturesFit {
  /** p of the Kolmogorov–Smirnov test of the gaps; undefined with too few. */
  readonly ksP: number | undefined;
  /** Index of dispersion of counts with its 99.9 % band; undefined with too few. */
  readonly dispersion: Dispersion | undefined;
}

interface Dispersion {
  readonly index: number;
  readonly low: number;
  readonly high: number;
  readonly isWithin: boolean;
}

/**
 * Holds departures against the arrival process they were planned by, by time-rescaling: with Λ(t) the arrivals
 * expected until t, the values z = Λ(t) − Λ(t before) are the gaps of a process of rate 1, whatever the rate did.
 * They follow
 *
 *     poisson, ramp    1 − e^(−z)
 *     gamma            the gamma distribution of shape 1 / cv² and mean 1
 *     constant         1 for every gap
 *
 * which a Kolmogorov–Smirnov test asks; and their counts in bins of equal Λ have the index of dispersion (variance
 * over mean) 1, cv² and nearly 0, whose (bins − 1)-fold is χ².
 *
 * @param atNs ascending, run clock.
 * @param toleranceNs how far each may be from its instant: only what lies outside of it counts as a difference.
 * @see Brown et al., "The time-rescaling theorem …", Neural Computation 14 (2002); Cox and Lewis, "The Statistical
 *   Analysis of Series of Events" (1966), §6.3 (dispersion) and §3.2 (counts of renewal processes).
 */
export function departuresFit(
  { arrivals, startAtNs }: Pick<Departures, "arrivals" | "startAtNs">,
  atNs: readonly number[],
  toleranceNs: number,
): DeparturesFit {
  const expectedAt = (instantNs: number): number =>
    expectedUntil(arrivals, (instantNs - startAtNs) / NS_PER_SECOND);
  return {
    ksP: atNs.length <= GAPS_MIN ? undefined : gapsP(arrivals, atNs, { expectedAt, toleranceNs }),
    dispersion: dispersionOf(arrivals, atNs, { expectedAt, toleranceNs }),
  };
}

/** Λ(t): arrivals expected in the first `untilS` seconds of a segment. */
function expectedUntil(arrivals: Arrivals, untilS: number): number {
  if (arrivals.kind !== "ramp") return arrivals.ratePerSecond * untilS;
  const { fromRatePerSecond: from, toRatePerSecond: to, durationNs } = arrivals;
  const durationS = durationNs / NS_PER_SECOND;
  if (untilS > durationS) return ((from + to) / 2) * durationS + to * (untilS - durationS);
  return from * untilS + ((to - from) * untilS * untilS) / (2 * durationS);
}

interface Scale {
  readonly expectedAt: (atNs: number) => number;
  readonly toleranceNs: number;
}

/** p of the largest distance between the gaps' distribution and the process's that the tolerance does not explain. */
function gapsP(
  arrivals: Arrivals,
  atNs: readonly number[],
  { expectedAt, toleranceNs }: Scale,
): number {
  const shortest: number[] = [];
  const longest: number[] = [];
  for (let i = 1; i < atNs.length; i += 1) {
    const beforeNs = atNs[i - 1] ?? 0;
    const nowNs = atNs[i] ?? 0;
    const before = expectedAt(beforeNs);
    shortest.push(Math.max(0, expectedAt(Math.max(beforeNs, nowNs - toleranceNs)) - before));
    longest.push(expectedAt(nowNs + toleranceNs) - before);
  }
  const count = shortest.length;
  const { below, upTo } = gapCdf(arrivals);
  let distance = 0;
  // Too few gaps are shorter than z, even with each as short as it may have been meant.
  sorted(shortest).forEach((z, shorter) => {
    distance = Math.max(distance, below(z) - shorter / count);
  });
  // Too many are, even with each as long.
  sorted(longest).forEach((z, shorter) => {
    distance = Math.max(distance, (shorter + 1) / count - upTo(z));
  });
  return kolmogorovP(distance, count);
}

function sorted(values: readonly number[]): Float64Array {
  return Float64Array.from(values).sort();
}

interface GapCdf {
  /** P(gap < z), and P(gap ≤ z): they differ only where all gaps are one. */
  readonly below: (z: number) => number;
  readonly upTo: (z: number) => number;
}

function gapCdf(arrivals: Arrivals): GapCdf {
  switch (arrivals.kind) {
    case "poisson":
    case "ramp":
      return continuous((z) => 1 - Math.exp(-z));
    case "gamma": {
      const shape = 1 / arrivals.coefficientOfVariation ** 2;
      return continuous((z) => gammaCdf(shape * z, shape));
    }
    case "constant":
      return {
        below: (z) => (z > 1 + FLOAT_DUST ? 1 : 0),
        upTo: (z) => (z >= 1 - FLOAT_DUST ? 1 : 0),
      };
  }
}

function continuous(cdf: (z: number) => number): GapCdf {
  return { below: cdf, upTo: cdf };
}

function dispersionOf(
  arrivals: Arrivals,
  atNs: readonly number[],
  { expectedAt, toleranceNs }: Scale,
): Dispersion | undefined {
  const firstNs = atNs[0] ?? 0;
  const lastNs = atNs.at(-1) ?? 0;
  const from = expectedAt(firstNs);
  const span = expectedAt(lastNs) - from;
  const inTolerance = lastNs > firstNs ? (span * toleranceNs) / (lastNs - firstNs) : 0;
  const variance = varianceOfCounts(arrivals);
  const binLength = Math.max(
    BIN_ARRIVALS_MIN * Math.max(1, variance),
    BIN_TOLERANCES * inTolerance,
  );
  const bins = Math.floor(span / binLength);
  if (bins < BINS_MIN) return undefined;
  const places = atNs.map((each) => Math.floor((expectedAt(each) - from) / binLength));
  const index = indexOfDispersion(places, bins);
  const { low, high } =
    arrivals.kind === "constant"
      ? { low: 0, high: (1 + inTolerance) ** 2 / binLength + LATE_AT_ONCE * atNs.length }
      : scaled(chiSquareBand(bins - 1, BAND_Z), variance);
  return { index, low, high, isWithin: index >= low && index <= high };
}

/** Variance over mean of how often each place from 0 to `bins` (exclusive) occurs. */
function indexOfDispersion(places: readonly number[], bins: number): number {
  const counts = new Float64Array(bins);
  for (const place of places) if (place < bins) counts[place] = (counts[place] ?? 0) + 1;
  const mean = counts.reduce((sum, count) => sum + count, 0) / bins;
  const squares = counts.reduce((sum, count) => sum + (count - mean) ** 2, 0);
  return squares / (bins - 1) / mean;
}

function scaled(
  { low, high }: { readonly low: number; readonly high: number },
  factor: number,
): { readonly low: number; readonly high: number } {
  return { low: low * factor, high: high * factor };
}

/** Of long bins, as a multiple of their mean. Of even arrivals a bin holds one more or less, whatever its length. */
function varianceOfCounts(arrivals: Arrivals): number {
  return arrivals.kind === "gamma" ? arrivals.coefficientOfVariation ** 2 : 1;
}
