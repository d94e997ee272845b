import type { WindowObserved, SecondObserved } from "./procedure.ts";

/** What a segment of constant rate is held against to see that the server cannot follow. */
export interface OverloadContext {
  readonly ratePerSecond: number;
  /** Rate of the load before it; 0 from rest. */
  readonly previousRatePerSecond: number;
  /** Mean time to the first token without load, s. */
  readonly unloadedFirstTokenS: number;
  /** Limit of the first-token clause, s (or what stands for it). */
  readonly limitS: number;
  /** Requests known to be over that limit. */
  readonly overCount: number;
}

const FAILURES_IN_A_ROW = 10;
const FAILURES_WINDOW = 50;
const FAILED_FRACTION_MAX = 0.2;
/** Output below this part of the input, with a growing backlog, is overload. */
const FIRST_TOKENS_FRACTION = 0.85;
/** Standard deviations of (arrivals − first tokens) that a backlog must grow by; each varies about as a Poisson count. */
const GROWTH_DEVIATIONS = 3;
const GROWTH_EXTRA = 2;
/** A backlog of this many limits' worth of arrivals, and 30 requests more, is overload whatever its growth. */
const BACKLOG_LIMITS = 3;
const BACKLOG_EXTRA = 30;
const BACKLOG_OVER_MIN = 5;
const DROPPED_FRACTION_MAX = 0.01;

/** Why the server is overloaded in this segment, in words and numbers; undefined when nothing says so. */
export function overloadOf(
  observation: WindowObserved,
  context: OverloadContext,
): string | undefined {
  return (
    errorBurstOf(observation.seconds) ??
    droppedAtBound(observation) ??
    backlogAbsolute(observation, context) ??
    backlogGrowth(observation, context)
  );
}

/**
 * Ten failures in a row, or more than a fifth of the last 50 requests that ended.
 * Within one interval the order is unknown: a single success in it ends the row.
 */
export function errorBurstOf(seconds: readonly SecondObserved[]): string | undefined {
  let inARow = 0;
  for (const { completed, completedOk } of seconds) {
    inARow = completedOk === 0 ? inARow + completed : 0;
    if (inARow >= FAILURES_IN_A_ROW) return `${inARow} requests in a row failed`;
  }
  let ended = 0;
  let failed = 0;
  for (const second of seconds.toReversed()) {
    ended += second.completed;
    failed += second.completed - second.completedOk;
    if (ended >= FAILURES_WINDOW) break;
  }
  const burst = ended >= FAILURES_WINDOW && failed > FAILED_FRACTION_MAX * ended;
  return burst ? `${failed} of ${ended} requests failed` : undefined;
}

/** The first-token backlog: requests sent, nothing back. Its start follows from what went in and came out. */
function backlogOf(seconds: readonly SecondObserved[]): { start: number; end: number } {
  const first = seconds[0];
  const start = first === undefined ? 0 : first.waitingEnd - first.sent + first.firstTokens;
  return { start: Math.max(0, start), end: seconds.at(-1)?.waitingEnd ?? 0 };
}

function backlogAbsolute(
  { seconds }: WindowObserved,
  { ratePerSecond, unloadedFirstTokenS, limitS, overCount }: OverloadContext,
): string | undefined {
  const { end } = backlogOf(seconds);
  const bound =
    BACKLOG_LIMITS * ratePerSecond * Math.max(unloadedFirstTokenS, limitS) + BACKLOG_EXTRA;
  if (end <= bound || overCount <= BACKLOG_OVER_MIN) return undefined;
  return `${end} requests wait for their first token, ${overCount} over the limit`;
}

function backlogGrowth(
  { seconds }: WindowObserved,
  { ratePerSecond, previousRatePerSecond, unloadedFirstTokenS }: OverloadContext,
): string | undefined {
  const spanS = seconds.at(-1)?.toS ?? 0;
  const offered = ratePerSecond * spanS;
  const { start, end } = backlogOf(seconds);
  const expected = Math.max(0, ratePerSecond - previousRatePerSecond) * unloadedFirstTokenS;
  const growth = end - start - expected;
  const firstTokens = seconds.reduce((sum, second) => sum + second.firstTokens, 0);
  const overloaded =
    growth > GROWTH_DEVIATIONS * Math.sqrt(2 * offered) + GROWTH_EXTRA &&
    firstTokens < FIRST_TOKENS_FRACTION * offered;
  if (!overloaded) return undefined;
  return `the backlog grew by ${Math.round(growth)} requests in ${spanS.toFixed(1)} s`;
}

/** The generator's bound on requests in flight was reached while they piled up: the server's doing, not ours. */
function droppedAtBound(observation: WindowObserved): string | undefined {
  const { droppedInFlightBound: dropped, scheduled, seconds } = observation;
  const { start, end } = backlogOf(seconds);
  if (dropped <= DROPPED_FRACTION_MAX * scheduled || end <= start) return undefined;
  return `${dropped} requests found the bound of requests in flight reached`;
}

/** Rate at which an overloaded server gave first tokens in the later half of a segment: about its saturation. */
export function saturationOf(seconds: readonly SecondObserved[]): number | undefined {
  const later = seconds.slice(Math.floor(seconds.length / 2));
  const spanS = later.reduce((sum, second) => sum + second.toS - second.fromS, 0);
  const firstTokens = later.reduce((sum, second) => sum + second.firstTokens, 0);
  return spanS > 0 && firstTokens > 0 ? firstTokens / spanS : undefined;
}
