import { bracketOf, type BisectState } from "./bisect-state.ts";
import type { SearchOptions } from "./procedure.ts";
import { beliefOf, type RateBelief } from "./rate-belief.ts";

/** A gain smaller than this, in ln(rate), is not worth a probe. */
const GAIN_MIN = 0.03;
/** A rate that stayed undecided is not tried again nearer than this to the answer, in ln(rate). */
const BEYOND_UNDECIDED = 0.04;
/** Part of the belief's standard deviation that a probe keeps away from it. */
const BELIEF_MARGIN = 0.3;
/**
 * How far from the answer a rate must lie for a verdict of 1,000 requests to fall most of the time, in ln(rate);
 * more requests bring it nearer with their square root. From M/M/4 and a batching server in virtual time.
 */
const PASS_DISTANCE = 0.25;
const FAIL_DISTANCE = 0.18;
/** While nothing has passed, a rate that surely passes is worth more than one that is near. */
const FIRST_PASS_DISTANCE = 0.35;
const DISTANCE_MIN = 0.07;
const DISTANCE_MAX = 0.45;
const REQUESTS_REFERENCE = 1000;

/** The highest rate that may be offered: asked for, or all that the generator holds; Infinity without a bound. */
export function ceilingOf(options: SearchOptions, state: BisectState): number {
  return Math.min(
    options.rateMaxPerSecond ?? Infinity,
    state.generatorCeilingPerSecond ?? Infinity,
  );
}

/** Whether the generator did not hold a rate that it was taken to carry. */
export function isGeneratorBeaten(options: SearchOptions, state: BisectState): boolean {
  return state.generatorCeilingPerSecond !== (options.cleanRatePerSecond ?? null);
}

/**
 * The rate to probe next; undefined when none would narrow the interval.
 *
 * Bisection with noisy verdicts: the answer is believed to split the bracket in two sides; the one with more to gain
 * is narrowed, by a rate as near to the answer as a verdict of `requests` requests can tell it from the limit. Nearer
 * ones would stay undecided, and those narrow nothing. A rate that passes comes first.
 */
export function nextRate(
  options: SearchOptions,
  state: BisectState,
  requests: number,
): number | undefined {
  const ceiling = ceilingOf(options, state);
  if (mayTryCeiling(options, state)) return ceiling;
  const belief = beliefOf(state);
  const down = lowerSide(options, state, { belief, requests });
  const up = upperSide(options, state, { belief, requests });
  const best = down.gain >= up.gain ? down : up;
  return best.gain < GAIN_MIN ? undefined : best.ratePerSecond;
}

interface Side {
  readonly ratePerSecond: number;
  /** By how much ln(rate) of the interval's end would move; Infinity while there is no such end. */
  readonly gain: number;
}

interface Aim {
  readonly belief: RateBelief;
  readonly requests: number;
}

function distanceOf(reference: number, { belief, requests }: Aim): number {
  const reach = reference * Math.sqrt(REQUESTS_REFERENCE / Math.max(1, requests));
  const bounded = Math.max(DISTANCE_MIN, Math.min(DISTANCE_MAX, reach));
  return bounded + BELIEF_MARGIN * belief.logSd;
}

function lowerSide(options: SearchOptions, state: BisectState, aim: Aim): Side {
  const { low } = bracketOf(state.probes);
  const centre = Math.log(aim.belief.ratePerSecond);
  const triedBelow = undecidedRates(state).filter((rate) => rate <= aim.belief.ratePerSecond);
  const wanted = Math.min(
    centre - distanceOf(low === undefined ? FIRST_PASS_DISTANCE : PASS_DISTANCE, aim),
    ...triedBelow.map((rate) => Math.log(rate) - BEYOND_UNDECIDED),
  );
  const ratePerSecond = Math.max(Math.exp(wanted), options.rateMinPerSecond ?? 0);
  const isNew = state.probes.every((probe) => probe.ratePerSecond !== ratePerSecond);
  const gain = low === undefined ? Infinity : Math.log(ratePerSecond / low.ratePerSecond);
  return { ratePerSecond, gain: isNew ? gain : -Infinity };
}

function upperSide(options: SearchOptions, state: BisectState, aim: Aim): Side {
  const { high } = bracketOf(state.probes);
  const centre = Math.log(aim.belief.ratePerSecond);
  const triedAbove = undecidedRates(state).filter((rate) => rate > aim.belief.ratePerSecond);
  const wanted = Math.max(
    centre + distanceOf(FAIL_DISTANCE, aim),
    ...triedAbove.map((rate) => Math.log(rate) + BEYOND_UNDECIDED),
  );
  const ratePerSecond = Math.exp(wanted);
  const end = high?.ratePerSecond ?? ceilingOf(options, state);
  // Without a violation there is nothing to narrow: what lies above is out of bounds or was tried.
  const gain = high === undefined ? -Infinity : Math.log(end / ratePerSecond);
  return { ratePerSecond, gain };
}

function undecidedRates({ probes }: BisectState): readonly number[] {
  return probes
    .filter(({ verdict }) => verdict === "undecided")
    .map(({ ratePerSecond }) => ratePerSecond);
}

/** The highest rate asked for is tried as it stands, once, when the ramp got there without a violation. */
function mayTryCeiling(options: SearchOptions, state: BisectState): boolean {
  const ceiling = ceilingOf(options, state);
  if (!Number.isFinite(ceiling) || isGeneratorBeaten(options, state)) return false;
  if (bracketOf(state.probes).high !== undefined) return false;
  return state.probes.every(({ ratePerSecond }) => ratePerSecond < ceiling);
}
