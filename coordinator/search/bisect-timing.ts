import { longestLimitS } from "./one-rate-verdict.ts";
import type { SearchOptions } from "./procedure.ts";
import type { BisectState } from "./bisect-state.ts";
import type { Unloaded } from "./unloaded.ts";

/** The budget for which the durations below hold; others scale them. */
const BUDGET_S = 300;
const SCALE_MAX = 2;
/** Rate for which the durations hold: a faster target gives as many requests sooner. */
const RATE_PER_SECOND = 35;
const RAMP_STEP_S = 5;
const RAMP_STEP_FIRST_TOKENS = 3;
const RAMP_STEP_ARRIVALS = 8;
/** Intervals are about this long, so nothing shorter can be seen. */
const STEP_MIN_S = 1;
const SETTLE_S = 5;
const SETTLE_LIMITS = 3;
const SETTLE_REQUESTS = 1.5;
const SETTLE_MAX_S = 20;
const DRAIN_MAX_S = 120;
const DRAIN_MIN_S = 8;
/** Requests without which no rate can pass a p99: a shorter probe is not worth its settling. */
const PROBE_REQUESTS_MIN = 500;
/** From the end of an interval to the start of the segment it asked for: sealing, merging, arming. */
export const DECISION_S = 2.7;
/** Observations come about once a second and a second late; the last one must still be answered in time. */
const OBSERVATION_S = 2.5;
/** Part of the budget kept at most for the streams that are open at the end. */
const RESERVE_FRACTION_MAX = 0.15;

function scaleOf({ timeBudgetS }: SearchOptions): number {
  return Math.min(SCALE_MAX, timeBudgetS / BUDGET_S);
}

/** How long one rate of the ramp is held, s. */
export function rampStepS(options: SearchOptions, unloaded: Unloaded, rate: number): number {
  return Math.max(
    STEP_MIN_S,
    RAMP_STEP_S * scaleOf(options),
    RAMP_STEP_FIRST_TOKENS * unloaded.firstTokenS,
    RAMP_STEP_ARRIVALS / rate,
  );
}

/** Load before a probe's window, s: until a queue near its limit has forgotten that it was empty. */
export function settleS(options: SearchOptions, state: BisectState): number {
  const speed = Math.min(1, RATE_PER_SECOND / state.ratePerSecond);
  const longest = SETTLE_MAX_S * Math.max(speed, Math.min(1, scaleOf(options)));
  const wanted = SETTLE_S * speed + SETTLE_LIMITS * longestLimitS(options.slo);
  return Math.max(STEP_MIN_S, Math.min(longest, Math.max(wanted, SETTLE_REQUESTS * state.loadedS)));
}

/** How long a drain may last before the service counts as one that does not recover, s. */
export function drainMaxS(options: SearchOptions): number {
  return Math.max(DRAIN_MIN_S, DRAIN_MAX_S * Math.min(1, scaleOf(options)));
}

/** Time left for load at `elapsedS`, s; not positive when the search must end with what it has. */
export function timeLeftS(options: SearchOptions, state: BisectState, elapsedS: number): number {
  const tailS = Math.max(longestLimitS(options.slo), 2 * state.loadedS);
  const reserveS = Math.min(RESERVE_FRACTION_MAX * options.timeBudgetS, 1 + tailS);
  return options.timeBudgetS - reserveS - OBSERVATION_S - elapsedS;
}

/**
 * Longest decided window of the next probe, s; undefined when the time left allows none that could pass.
 *
 * @param left.leftS as `timeLeftS` has it, at the instant the probe is asked for.
 * @param left.share the part of it that this probe may take.
 */
export function probeCapS(
  options: SearchOptions,
  state: BisectState,
  { leftS, share }: { readonly leftS: number; readonly share: number },
): number | undefined {
  const overheadS = DECISION_S + settleS(options, state) + longestLimitS(options.slo);
  const leastS = PROBE_REQUESTS_MIN / state.ratePerSecond;
  if (leftS - overheadS < 0.6 * leastS) return undefined;
  return Math.min(leftS - overheadS, Math.max(leastS, leftS * share - overheadS));
}
