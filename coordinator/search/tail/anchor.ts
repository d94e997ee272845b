import type { SecondObserved } from "../procedure.ts";

/** The rate at which the tail is flat: one end of the surface. */
export interface Anchor {
  /** Throughput under a held backlog, requests/s. */
  readonly ratePerSecond: number;
  /** Its error as a fraction of it. */
  readonly relativeSd: number;
  /** No saturation was seen up to this rate. */
  readonly isAtLeast: boolean;
  /** Times it was refuted by clean blocks close to it, and raised. */
  readonly raised: number;
}

/** What a held backlog has shown so far. */
export interface Saturating {
  readonly ratePerSecond: number;
  readonly relativeSd: number;
  readonly completed: number;
  readonly measuredS: number;
  /** Whether what was measured is at least a turnover of what is in flight. */
  readonly turnedOver: boolean;
}

/** No throughput is known better than this: servers are not that steady. */
const RELATIVE_SD_MIN = 0.025;
/** A backlog counts as in place once this part of what is in flight has been served since it began. */
const IN_PLACE_FRACTION = 0.6;
const TURNED_OVER_FRACTION = 0.8;
/** Completions of a queue in its busy period: their count varies by this times its mean. */
const COUNT_DISPERSION = 1.5;
/** Added for each part of what is in flight that was not served in the measured time. */
const NOT_TURNED_OVER_SD = 0.12;
const STRETCHES_MIN = 4;

/**
 * λ_s and its error from a segment that holds a backlog: completions per second once the backlog is in place.
 *
 * The error is the larger of the spread between stretches and of 1.5 times a Poisson count, and at least 2.5 %; a
 * batching server that has not turned over what it holds gets more.
 *
 * @param settleS the backlog is given at least this long.
 * @param longestSettleS from here on it counts as in place whatever was served.
 */
export function saturatingOf(
  seconds: readonly SecondObserved[],
  {
    settleS,
    longestSettleS,
    stretchS,
  }: { readonly settleS: number; readonly longestSettleS: number; readonly stretchS: number },
): Saturating {
  const measured = seconds.slice(firstMeasured(seconds, { settleS, longestSettleS }));
  const measuredS = measured.reduce((sum, { fromS, toS }) => sum + toS - fromS, 0);
  const completed = measured.reduce((sum, second) => sum + second.completedOk, 0);
  const inFlight = Math.max(1, seconds.at(-1)?.inFlightEnd ?? 1);
  if (measuredS <= 0 || completed === 0) {
    return { ratePerSecond: 0, relativeSd: 1, completed, measuredS, turnedOver: false };
  }
  const ratePerSecond = completed / measuredS;
  const counted = (COUNT_DISPERSION * ratePerSecond) / measuredS;
  const variance = Math.max(spreadOf(stretchRates(measured, stretchS)), counted);
  const relativeSd = Math.max(
    RELATIVE_SD_MIN,
    Math.sqrt(variance) / ratePerSecond,
    NOT_TURNED_OVER_SD * Math.max(0, 1 - completed / inFlight),
  );
  const turnedOver = completed >= TURNED_OVER_FRACTION * inFlight;
  return { ratePerSecond, relativeSd, completed, measuredS, turnedOver };
}

function firstMeasured(
  seconds: readonly SecondObserved[],
  { settleS, longestSettleS }: { readonly settleS: number; readonly longestSettleS: number },
): number {
  let completed = 0;
  for (const [k, second] of seconds.entries()) {
    const inPlace = completed >= IN_PLACE_FRACTION * second.inFlightEnd;
    if (second.fromS >= settleS - 1e-9 && (inPlace || second.fromS >= longestSettleS)) return k;
    completed += second.completedOk;
  }
  return seconds.length;
}

/** Completions per second over successive stretches of at least `stretchS`. */
function stretchRates(seconds: readonly SecondObserved[], stretchS: number): readonly number[] {
  const rates: number[] = [];
  let completed = 0;
  let spanS = 0;
  for (const second of seconds) {
    completed += second.completedOk;
    spanS += second.toS - second.fromS;
    if (spanS < stretchS - 1e-9) continue;
    rates.push(completed / spanS);
    completed = 0;
    spanS = 0;
  }
  return rates;
}

/** Variance of the mean of the stretches; 0 of too few. */
function spreadOf(rates: readonly number[]): number {
  if (rates.length < STRETCHES_MIN) return 0;
  const mean = rates.reduce((sum, rate) => sum + rate, 0) / rates.length;
  const squares = rates.reduce((sum, rate) => sum + (rate - mean) ** 2, 0);
  return squares / (rates.length - 1) / rates.length;
}

const RAISE_FACTOR = 1.12;
export const RAISES_MAX = 3;

/** The anchor after two clean blocks above 0.95 of it: too low, by how much is unknown. */
export function raisedAnchor(anchor: Anchor): Anchor {
  return {
    ...anchor,
    ratePerSecond: anchor.ratePerSecond * RAISE_FACTOR,
    relativeSd: Math.max(anchor.relativeSd, RAISE_FACTOR - 1),
    raised: anchor.raised + 1,
  };
}
