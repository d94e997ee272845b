import type { Contender, Latency, MeasuredWindow } from "./contender.ts";

/** Latency of every run at one rate. */
export interface EqualRate {
  readonly requestsPerSecond: number;
  /** In the runs' order; null where the rate lies outside what was measured. */
  readonly runs: readonly (LatencyAtRate | null)[];
}

export interface LatencyAtRate {
  readonly ttftMs: Latency;
  readonly itlMs: Latency;
  readonly e2eMs: Latency;
  /** No window was at that very rate: it lies between two. */
  readonly isInterpolated: boolean;
}

/** Two planned rates that differ by less are the same rate. */
const SAME_RATE = 0.02;
const RATES_MAX = 6;
/** Parts of the smallest maximum rate at which runs without a common rate are compared. */
const PARTS = [0.5, 0.8, 1] as const;
/** Where the trade-off is read: well within what every run carries. */
export const LATENCY_PART = 0.8;

/**
 * Rates at which all runs can be compared: those that all were measured at; else parts of the smallest maximum rate
 * (of the smallest highest rate measured, where a run has none), read between windows.
 */
export function equalRates(runs: readonly Contender[]): readonly EqualRate[] {
  const common = commonRates(runs);
  const rates = common.length > 0 ? common : PARTS.map((part) => part * smallestRate(runs));
  return rates
    .filter((ratePerSecond) => ratePerSecond > 0)
    .map((ratePerSecond) => ({
      requestsPerSecond: ratePerSecond,
      runs: runs.map((run) => latencyAt(run, ratePerSecond)),
    }))
    .filter((each) => each.runs.some((run) => run !== null));
}

/** The rate that the trade-off's latency is read at, requests/s. */
export function tradeOffRate(runs: readonly Contender[]): number {
  return LATENCY_PART * smallestRate(runs);
}

function smallestRate(runs: readonly Contender[]): number {
  const rates = runs.map(
    ({ maxRate, windows }) => maxRate?.value ?? windows.at(-1)?.requestsPerSecond ?? 0,
  );
  return Math.min(...rates.filter((ratePerSecond) => ratePerSecond > 0), Infinity) || 0;
}

function commonRates(runs: readonly Contender[]): readonly number[] {
  const [first, ...others] = runs;
  if (first === undefined || others.length === 0) return [];
  const rates = [...new Set(first.windows.map(({ requestsPerSecond }) => requestsPerSecond))];
  return rates
    .filter((rate) => others.every((other) => sameRate(other.windows, rate).length > 0))
    .slice(-RATES_MAX);
}

function sameRate(
  windows: readonly MeasuredWindow[],
  ratePerSecond: number,
): readonly MeasuredWindow[] {
  return windows.filter(
    (window) => Math.abs(window.requestsPerSecond / ratePerSecond - 1) <= SAME_RATE,
  );
}

/** At one rate: of the windows there, the one with most requests; else between the two around it. */
export function latencyAt(
  { windows }: Pick<Contender, "windows">,
  ratePerSecond: number,
): LatencyAtRate | null {
  const [exact] = [...sameRate(windows, ratePerSecond)].sort((a, b) => b.okCount - a.okCount);
  if (exact !== undefined) {
    const { ttftMs, itlMs, e2eMs } = exact;
    return { ttftMs, itlMs, e2eMs, isInterpolated: false };
  }
  const at = (metric: "ttftMs" | "itlMs" | "e2eMs"): Latency => ({
    p50: between(windows, ratePerSecond, (window) => window[metric].p50),
    p95: between(windows, ratePerSecond, (window) => window[metric].p95),
    p99: between(windows, ratePerSecond, (window) => window[metric].p99),
  });
  const found = { ttftMs: at("ttftMs"), itlMs: at("itlMs"), e2eMs: at("e2eMs") };
  return found.ttftMs.p50 === null ? null : { ...found, isInterpolated: true };
}

/** Linear in the rate and in the logarithm of the time, which rises steeply towards saturation. */
function between(
  windows: readonly MeasuredWindow[],
  ratePerSecond: number,
  of: (window: MeasuredWindow) => number | null,
): number | null {
  const known = windows.flatMap((window) => {
    const value = of(window);
    return value === null || value <= 0 ? [] : [{ rate: window.requestsPerSecond, value }];
  });
  const lower = known.filter(({ rate }) => rate <= ratePerSecond).at(-1);
  const upper = known.find(({ rate }) => rate > ratePerSecond);
  if (lower === undefined || upper === undefined) return null;
  const place = (ratePerSecond - lower.rate) / (upper.rate - lower.rate);
  return lower.value * (upper.value / lower.value) ** place;
}
