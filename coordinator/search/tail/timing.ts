import { longestLimitS, overloadLimitS } from "../one-rate-verdict.ts";
import type { SearchOptions } from "../procedure.ts";
import type { Unloaded } from "../unloaded.ts";
import type { Anchor } from "./anchor.ts";
import type { TailState } from "./state.ts";

/** The budget that the durations below hold for; shorter ones scale them, longer ones give more blocks. */
const BUDGET_S = 300;
/** The rate they hold for: 25 s are about 900 requests. A faster target shows as much sooner. */
const RATE_PER_SECOND = 36;
/** Intervals are up to this long: nothing shorter can be seen or decided. */
const SEEN_S = 1;
const BLOCK_S = 25;
const BLOCK_RESIDENCES = 4;
const BLOCK_MAX_S = 60;
const BLOCK_REQUESTS_MIN = 150;
/** More blocks than this tell no more, and cost a fit each. */
const BLOCKS_AHEAD_MAX = 20;
/** A block shorter than this part of a whole one is not worth its settling. */
const LAST_BLOCK_MIN = 0.4;
const SETTLE_MIN_S = 2;
const SETTLE_LIMITS = 2;
const SETTLE_LIMITS_MAX_S = 5;
const SETTLE_RESIDENCES = 2.5;
const SETTLE_MAX_S = 40;
/** A change of rate by this much needs the whole settling; a small one a fifth of it. */
const SETTLE_WHOLE_CHANGE = 0.08;
const SETTLE_PART_MIN = 0.2;
const RAMP_STEP_S = 5;
const RAMP_STEP_FIRST_TOKENS = 3;
const RAMP_STEP_ARRIVALS = 8;
const SATURATE_S = 20;
const SATURATE_SETTLE_S = 2;
const DRAIN_MAX_S = 120;
const DRAIN_MIN_S = 8;
const HOT_DRAIN_MAX_S = 60;
const CONFIRM_FRACTION = 0.3;
const CONFIRM_MAX_S = 120;
/** The last observation comes about this long before the budget ends. */
const OBSERVATION_S = 2.5;
const RESERVE_FRACTION_MAX = 0.15;

/** 1 at 300 s and above. */
export function scaleOf({ timeBudgetS }: SearchOptions): number {
  return Math.min(1, timeBudgetS / BUDGET_S);
}

/** How long one rate of the ramp is held, s. */
export function rampStepS(options: SearchOptions, unloaded: Unloaded, rate: number): number {
  return Math.max(
    SEEN_S,
    RAMP_STEP_S * scaleOf(options),
    Math.min(RAMP_STEP_FIRST_TOKENS * unloaded.firstTokenS, 2 * RAMP_STEP_S),
    Math.min(RAMP_STEP_ARRIVALS / rate, 4 * RAMP_STEP_S),
  );
}

/** Bounds of a held backlog, s. */
export function saturateS(
  options: SearchOptions,
  { endToEndS }: Unloaded,
): {
  readonly settleS: number;
  readonly longestSettleS: number;
  readonly stretchS: number;
  readonly measureS: number;
} {
  const scale = scaleOf(options);
  const longestSettleS = Math.max(SEEN_S, SATURATE_S * scale);
  return {
    settleS: Math.min(longestSettleS, Math.max(SATURATE_SETTLE_S * scale, endToEndS)),
    longestSettleS,
    stretchS: Math.max(SATURATE_SETTLE_S * scale, endToEndS / 2),
    measureS: Math.max(2 * SEEN_S, SATURATE_S * scale),
  };
}

/** Requests to hold waiting for their first token: D λ_trip / 1.4, at least 4. */
export function backlogOf(options: SearchOptions, tripPerSecond: number): number {
  return Math.max(4, Math.ceil((overloadLimitS(options.slo) * tripPerSecond) / 1.4));
}

/** How long a drain may last before the service counts as one that does not recover, s. */
export function drainMaxS(options: SearchOptions, reason: TailState["drainReason"]): number {
  const longest = reason === "after-saturation" ? DRAIN_MAX_S : HOT_DRAIN_MAX_S;
  return Math.max(DRAIN_MIN_S, longest * scaleOf(options));
}

/** From rest a queue near its limit takes longer to forget that it was empty. */
const SETTLE_FROM_REST = 2;

/** Load before a focus block's window, s. @param change |Δλ/λ| from what went before; 1 from rest. */
export function settleS(
  options: SearchOptions,
  state: Pick<TailState, "residenceS">,
  { rate, change }: { readonly rate: number; readonly change: number },
): number {
  const scale = scaleOf(options);
  const speed = Math.min(scale, RATE_PER_SECOND / rate);
  const part = Math.min(1, SETTLE_PART_MIN + change / SETTLE_WHOLE_CHANGE);
  const fromRest = change === 1 ? SETTLE_FROM_REST : 1;
  const wanted = Math.max(
    SETTLE_MIN_S * speed * fromRest,
    Math.min(SETTLE_LIMITS * overloadLimitS(options.slo), SETTLE_LIMITS_MAX_S * scale) * fromRest,
    SETTLE_RESIDENCES * state.residenceS * part,
  );
  return Math.min(wanted, SETTLE_MAX_S * scale);
}

/** Length of a whole focus block's window, s. @param leftS time left for blocks. */
export function blockS(
  options: SearchOptions,
  { residenceS }: Pick<TailState, "residenceS">,
  { rate, leftS }: { readonly rate: number; readonly leftS: number },
): number {
  const scale = scaleOf(options);
  const longest = BLOCK_MAX_S * scale;
  const wanted = BLOCK_S * Math.min(scale, RATE_PER_SECOND / rate);
  return Math.max(
    SEEN_S,
    wanted,
    Math.min(longest, BLOCK_RESIDENCES * residenceS),
    Math.min(longest, BLOCK_REQUESTS_MIN / rate),
    leftS / BLOCKS_AHEAD_MAX,
  );
}

/**
 * Length of the window of a block that begins `afterS` from now, s; undefined when the time left is too short for one
 * worth having.
 */
export function fittingBlockS(
  options: SearchOptions,
  state: TailState,
  {
    rate,
    elapsedS,
    afterS,
  }: { readonly rate: number; readonly elapsedS: number; readonly afterS: number },
): number | undefined {
  const leftS = timeLeftS(options, state, elapsedS) - afterS;
  const wholeS = blockS(options, state, { rate, leftS: Math.max(0, leftS) });
  return leftS < LAST_BLOCK_MIN * wholeS ? undefined : Math.min(wholeS, leftS);
}

/** Time left for load at `elapsedS`, s: what the last requests take to be decided is kept back. */
export function timeLeftS(options: SearchOptions, state: TailState, elapsedS: number): number {
  const tailS = Math.max(longestLimitS(options.slo), state.residenceS);
  const reserveS = Math.min(RESERVE_FRACTION_MAX * options.timeBudgetS, tailS);
  return (
    options.timeBudgetS -
    confirmS(options) -
    reserveS -
    OBSERVATION_S * Math.max(0.4, scaleOf(options)) -
    elapsedS
  );
}

/** Time kept for a confirming window, s. */
export function confirmS(options: SearchOptions): number {
  if (options.confirm !== true) return 0;
  return Math.min(CONFIRM_MAX_S, CONFIRM_FRACTION * options.timeBudgetS);
}

/** A stand-in for saturation where none was seen up to `ratePerSecond`. */
export function anchorAbove(ratePerSecond: number): Anchor {
  return { ratePerSecond: 1.25 * ratePerSecond, relativeSd: 0.15, isAtLeast: true, raised: 0 };
}
