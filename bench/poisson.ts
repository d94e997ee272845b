import { chiSquareBand, kolmogorovP } from "../coordinator/validity/goodness-of-fit.ts";
import { NS_PER_SECOND } from "../shared/units.ts";

/** Of a normal variable, for a band that 99.9 % of samples lie in. */
const BAND_DEVIATIONS = 3.29;

/** How much a sequence of arrivals is like a Poisson process of a constant rate. */
export interface LikenessToPoisson {
  /** Variance over mean of the counts in 1 s: 1 for a Poisson process, more where arrivals clump. */
  readonly dispersion: number;
  /** Where 99.9 % of the dispersions of such samples lie. */
  readonly low: number;
  readonly high: number;
  /** Kolmogorov–Smirnov, of the gaps against an exponential of their own mean: so an upper bound. */
  readonly p: number;
}

/** @param sortedNs ascending. @param seconds whole ones from the first arrival on whose counts are taken. */
export function likenessToPoisson(sortedNs: readonly number[], seconds: number): LikenessToPoisson {
  const counts = countsBySecond(sortedNs, seconds);
  const mean = counts.reduce((sum, count) => sum + count, 0) / counts.length;
  const variance =
    counts.reduce((sum, count) => sum + (count - mean) ** 2, 0) / (counts.length - 1);
  const gaps = gapsOf(sortedNs);
  return {
    dispersion: variance / mean,
    ...chiSquareBand(counts.length - 1, BAND_DEVIATIONS),
    p: kolmogorovP(distanceToExponential(gaps), gaps.length),
  };
}

export function gapsOf(sortedNs: readonly number[]): number[] {
  return sortedNs.slice(1).map((atNs, place) => atNs - (sortedNs[place] ?? 0));
}

function countsBySecond(sortedNs: readonly number[], seconds: number): number[] {
  const firstNs = sortedNs[0] ?? 0;
  const counts = new Array<number>(seconds).fill(0);
  for (const atNs of sortedNs) {
    const second = Math.floor((atNs - firstNs) / NS_PER_SECOND);
    if (second < counts.length) counts[second] = (counts[second] ?? 0) + 1;
  }
  return counts;
}

function distanceToExponential(gaps: readonly number[]): number {
  const sorted = gaps.toSorted((a, b) => a - b);
  const mean = sorted.reduce((sum, gap) => sum + gap, 0) / sorted.length;
  return sorted.reduce((distance, gap, place) => {
    const planned = 1 - Math.exp(-gap / mean);
    const below = Math.abs(planned - place / sorted.length);
    return Math.max(distance, below, Math.abs((place + 1) / sorted.length - planned));
  }, 0);
}
