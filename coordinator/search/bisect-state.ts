import type { Verdict } from "../../shared/slo/slo.ts";
import type { ClauseTally } from "./clause-tally.ts";
import type { Unloaded } from "./unloaded.ts";

/** A judged window of the search. Plain JSON, like all of the state: absent is null. */
export interface Probe {
  readonly segment: number;
  readonly ratePerSecond: number;
  readonly verdict: Verdict;
  /** Text of the clause that decided or came nearest to its limit. */
  readonly boundBy: string;
  readonly requests: number;
  readonly overCount: number;
  readonly clumpFactor: number;
  /** ln(fraction over ÷ fraction allowed) of the clause with the fitted tail, and its standard error. */
  readonly logExcess: number | null;
  readonly standardError: number | null;
  /** By clause, for later windows to be judged together with this one. */
  readonly tallies: readonly ClauseTally[];
}

/**
 * Where a bisection stands.
 *
 * `rampPerSecond` is the highest ramp step without a violation: a place to look, not evidence. The interval is built
 * from `probes` alone.
 */
export interface BisectState {
  readonly step: "calibrate" | "ramp" | "drain" | "probe";
  /** Segments up to this number are decided; what is still observed of them changes nothing. */
  readonly decidedSegment: number;
  readonly unloaded: Unloaded | null;
  /** Of the current ramp step or probe, or of the probe after the current drain. */
  readonly ratePerSecond: number;
  readonly previousRatePerSecond: number;
  /** Looks the current window has had. */
  readonly looks: number;
  /** Longest decided part of the current probe, s. */
  readonly probeCapS: number;
  /** Part of the time left that the next probe may take. */
  readonly probeShare: number;
  readonly rampPerSecond: number | null;
  readonly saturationPerSecond: number | null;
  readonly probes: readonly Probe[];
  /** Windows in a row that the generator spoilt, and the rate it could not hold. */
  readonly voids: number;
  readonly generatorCeilingPerSecond: number | null;
  /** Mean end-to-end time last seen under load, s. */
  readonly loadedS: number;
  readonly notes: readonly string[];
}

export const INITIAL_STATE: BisectState = {
  step: "calibrate",
  decidedSegment: 0,
  unloaded: null,
  ratePerSecond: 0,
  previousRatePerSecond: 0,
  looks: 0,
  probeCapS: 0,
  probeShare: 1,
  rampPerSecond: null,
  saturationPerSecond: null,
  probes: [],
  voids: 0,
  generatorCeilingPerSecond: null,
  loadedS: 0,
  notes: [],
};

/** The highest rate below every failing one that passed, and the lowest that failed. */
export function bracketOf(probes: readonly Probe[]): {
  readonly low: Probe | undefined;
  readonly high: Probe | undefined;
} {
  const high = probes
    .filter(({ verdict }) => verdict === "violated")
    .reduce<Probe | undefined>(lowerOf, undefined);
  const low = probes
    .filter(({ verdict }) => verdict === "met")
    .filter(({ ratePerSecond }) => ratePerSecond < (high?.ratePerSecond ?? Infinity))
    .reduce<Probe | undefined>(higherOf, undefined);
  return { low, high };
}

function lowerOf(a: Probe | undefined, b: Probe): Probe {
  return a === undefined || b.ratePerSecond < a.ratePerSecond ? b : a;
}

function higherOf(a: Probe | undefined, b: Probe): Probe {
  return a === undefined || b.ratePerSecond > a.ratePerSecond ? b : a;
}

/** Half the interval's width as a fraction of its middle; Infinity while an end is open. */
export function halfWidthOf(probes: readonly Probe[]): number {
  const { low, high } = bracketOf(probes);
  if (low === undefined || high === undefined) return Infinity;
  return (high.ratePerSecond - low.ratePerSecond) / (high.ratePerSecond + low.ratePerSecond);
}
