import type { Counters } from "./counters.ts";
import type { Histogram } from "./histogram.ts";
import type { Metric } from "./metric.ts";

/** What one SLO clause counted: `over[j]` of `total` exceeded the j-th threshold of its table. */
export interface ClauseCount {
  readonly total: number;
  readonly over: readonly number[];
}

/** A request that crossed the `level`-th threshold of a clause (the highest so far). */
export interface Exceedance {
  readonly index: number;
  readonly intendedAtNs: number;
  readonly clause: number;
  readonly level: number;
}

/** What happened *in* an interval, whichever interval the requests were intended in. */
export interface Activity {
  readonly sent: number;
  readonly firstTokens: number;
  readonly completed: number;
  readonly completedOk: number;
  readonly outputTokens: number;
  readonly inputTokens: number;
  readonly contentEvents: number;
  readonly bytesRead: number;
  /** Time integral of requests in flight, request-seconds. */
  readonly inFlightIntegralS: number;
  /** Time integral of requests sent that wait for their first token, request-seconds. */
  readonly waitingIntegralS: number;
  readonly inFlightMax: number;
  readonly inFlightEnd: number;
  readonly waitingEnd: number;
}

/**
 * One stretch of the run's clock (1 s, cut at segment starts and record bounds), as counts and histograms.
 *
 * Latencies, outcomes and clause counts are filed under the interval in which the request was *intended*;
 * `activity` under the one in which it happened. Intervals of the same key merge by addition, in any order.
 */
export interface Interval {
  readonly segment: number;
  /** Run clock, ns; `toNs` is exclusive. */
  readonly fromNs: number;
  readonly toNs: number;
  /** Whether it lies in the recorded window of its segment. */
  readonly recorded: boolean;
  readonly counters: Counters;
  /** By class name, then metric. Absent means empty. */
  readonly classes: ReadonlyMap<string, ReadonlyMap<Metric, Histogram>>;
  /** By position of the clause in the SLO; same length and order on every agent. */
  readonly clauses: readonly ClauseCount[];
  readonly exceedances: readonly Exceedance[];
  readonly exceedancesCut: number;
  readonly activity: Activity;
}
