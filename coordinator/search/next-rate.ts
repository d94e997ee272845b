import { bracketOf, type BisectState, type Probe } from "./bisect-state.ts";
import type { SearchOptions } from "./procedure.ts";

/** Where no passing rate is known, the next lower place to look is this much lower. */
const STEP_DOWN = Math.SQRT2;
/** First tokens a second of an overloaded server are its saturation within this. */
const SATURATION_MARGIN = 1.1;
/** A side of the bracket narrower than this is left alone: no verdict of affordable length would fall in it. */
const SIDE_MIN_LOG = Math.log(1.03);

/** The highest rate that may be offered: asked for, or all that the generator holds; Infinity without a bound. */
export function ceilingOf(options: SearchOptions, state: BisectState): number {
  return Math.min(
    options.rateMaxPerSecond ?? Infinity,
    state.generatorCeilingPerSecond ?? Infinity,
  );
}

/**
 * The rate to probe next; undefined when no rate is left that could narrow the interval.
 *
 * The geometric middle of the bracket. Rates that stayed undecided split it in two sides, of which the wider is taken:
 * they narrow nothing themselves, but the answer lies near them. While nothing has passed, the lower side.
 */
export function nextRate(options: SearchOptions, state: BisectState): number | undefined {
  const { low, high } = bracketOf(state.probes);
  const ceiling = ceilingOf(options, state);
  const lowest = low?.ratePerSecond ?? assumedLow(options, state);
  const highest = high?.ratePerSecond ?? Math.min(ceiling, highestTried(state));
  if (high === undefined && mayTryCeiling(state, ceiling)) return ceiling;

  const undecided = state.probes
    .filter(({ verdict }) => verdict === "undecided")
    .map(({ ratePerSecond }) => ratePerSecond)
    .filter((rate) => rate > lowest && rate <= highest);
  const searched = searchedHigh(state, { lowest, highest });
  if (undecided.length === 0) return middleOf(lowest, searched, low !== undefined);

  const lower = { from: lowest, to: Math.min(...undecided) };
  const upper = { from: Math.max(...undecided), to: searched };
  const widthOf = ({ from, to }: { from: number; to: number }): number => Math.log(to / from);
  const side =
    low === undefined || high === undefined || widthOf(lower) >= widthOf(upper) ? lower : upper;
  return middleOf(side.from, side.to, low !== undefined);
}

/** Without a violation and without a ceiling there is nowhere to look above what was tried. */
function highestTried(state: BisectState): number {
  const tried = state.probes.map(({ ratePerSecond }) => ratePerSecond);
  return Math.max(state.rampPerSecond ?? state.ratePerSecond, ...tried);
}

function middleOf(from: number, to: number, mayStop: boolean): number | undefined {
  return mayStop && Math.log(to / from) < SIDE_MIN_LOG ? undefined : Math.sqrt(from * to);
}

/** The rate above all is tried as it stands, once, when the ramp got there without a violation. */
function mayTryCeiling(state: BisectState, ceiling: number): boolean {
  if (!Number.isFinite(ceiling) || ceiling === state.generatorCeilingPerSecond) return false;
  return state.probes.every(({ ratePerSecond }) => ratePerSecond < ceiling);
}

/** A rate that nothing has spoken against yet, below all that was tried. */
function assumedLow(options: SearchOptions, state: BisectState): number {
  const tried = Math.min(...state.probes.map(({ ratePerSecond }) => ratePerSecond), Infinity);
  const fromRamp = state.rampPerSecond ?? Infinity;
  const assumed = fromRamp < tried / 1.02 ? fromRamp : tried / STEP_DOWN / STEP_DOWN;
  const bounded = Number.isFinite(assumed) ? assumed : state.ratePerSecond / STEP_DOWN;
  return Math.max(bounded, options.rateMinPerSecond ?? 0);
}

/** Above saturation every rate fails, so the middle is taken below it until that side is used up. */
function searchedHigh(
  state: BisectState,
  { lowest, highest }: { lowest: number; highest: number },
): number {
  const saturation = (state.saturationPerSecond ?? Infinity) * SATURATION_MARGIN;
  return saturation < highest && saturation > 1.1 * lowest ? saturation : highest;
}

/** Probes whose rate lies within `fraction` of `ratePerSecond`. */
export function probesNear(
  probes: readonly Probe[],
  ratePerSecond: number,
  fraction: number,
): readonly Probe[] {
  return probes.filter((probe) => Math.abs(probe.ratePerSecond / ratePerSecond - 1) <= fraction);
}
