import type { Counters } from "./counters.ts";
import type { Histogram } from "./histogram.ts";
import type { Interval } from "./interval.ts";
import type { Outcome } from "./outcome.ts";

/** How the agent itself was doing while it measured. */
export interface Health {
  readonly fromNs: number;
  readonly toNs: number;
  readonly eventLoopDelay: Histogram;
  /** Fraction of the time the event loop was busy; the pacer's waiting tail counts as idle. */
  readonly eventLoopUtilisation: number;
  readonly cpuSeconds: number;
  readonly gcPauseSeconds: number;
  readonly gcPauses: number;
  readonly rssBytes: number;
  /** Time the cgroup was throttled, ns. */
  readonly throttledNs: number;
  readonly spooledReports: number;
  readonly reportsLost: number;
  readonly socketsOpen: number;
}

/** Which report this is: the same key with the same payload is a no-op, with another an error. */
export interface ReportKey {
  readonly runId: string;
  readonly agentId: string;
  readonly epoch: number;
  /** From 1, without holes, within an epoch. */
  readonly sequence: number;
}

/** One agent's own arrivals of a segment, one after the other; other agents' lie between them. */
export interface ArrivalRun {
  readonly segment: number;
  /** Index of the first. */
  readonly from: number;
  /** Above the index of the last. */
  readonly to: number;
  readonly count: number;
}

/** What an agent sends each interval. Immutable once sealed. */
export interface IntervalReport extends ReportKey {
  /** Run clock, ns: everything before this instant is in this report or an earlier one. */
  readonly sealedUntilNs: number;
  readonly deltas: readonly Interval[];
  /** Cumulative over the epoch; with `open` the conservation law must hold at every step. */
  readonly totals: Counters;
  readonly open: number;
  readonly health: Health;
  readonly drained: boolean;
  /** The segment that was firing when it was sealed; 0 when none. */
  readonly firingSegment: number;
  /** Arrivals that were held back since the last report, since no coordinator was heard of. */
  readonly heldBack: readonly ArrivalRun[];
}

/** One finished (or censored) request, compactly. Times in µs; -1 where there is none. */
export interface RequestRecord {
  readonly index: number;
  readonly classIndex: number;
  /** Run clock; the µs in which it lies. */
  readonly intendedAtUs: number;
  readonly sendDelayUs: number;
  /** From the intended instant. */
  readonly ttftUs: number;
  readonly gapMeanUs: number;
  readonly gapMaxUs: number;
  readonly e2eUs: number;
  /** From the sent instant to the end, whatever came of it. */
  readonly durationUs: number;
  readonly outputTokens: number;
  readonly inputTokens: number;
  readonly contentEvents: number;
  readonly outcome: Outcome;
  readonly status: number;
}

/** Records travel behind the reports; `lostBefore` counts those that no longer fitted the spool. */
export interface RecordBatch {
  readonly runId: string;
  readonly agentId: string;
  readonly epoch: number;
  readonly batch: number;
  readonly segment: number;
  readonly records: readonly RequestRecord[];
  readonly lostBefore: number;
}
