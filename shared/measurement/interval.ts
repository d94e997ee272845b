import { assert } from "../assert.ts";
import { addCounters, type Counters, zeroCounters } from "./counters.ts";
import { Histogram } from "./histogram.ts";
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
  /** Requests that got no connection for want of something of the agent's own machine; they are connect errors too. */
  readonly ownConnectErrors: number;
  /** Requests that ended well with another number of output tokens, by the server's count, than the plan forces. */
  readonly lengthsOff: number;
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

/** Which interval; intervals of one key, from different agents or reports, merge. */
export type IntervalKey = Pick<Interval, "segment" | "fromNs" | "toNs" | "recorded">;

/**
 * How many exceedances a merged interval lists, those of the lowest arrival indexes; the rest are counted. Far more
 * than a clump statistic can use, and a bound on what many agents can make the coordinator hold.
 */
export const EXCEEDANCES_MAX = 65_536;

export const ZERO_ACTIVITY: Activity = {
  sent: 0,
  firstTokens: 0,
  completed: 0,
  completedOk: 0,
  outputTokens: 0,
  inputTokens: 0,
  contentEvents: 0,
  bytesRead: 0,
  inFlightIntegralS: 0,
  waitingIntegralS: 0,
  inFlightMax: 0,
  inFlightEnd: 0,
  waitingEnd: 0,
  ownConnectErrors: 0,
  lengthsOff: 0,
};

const ACTIVITY_NAMES = Object.keys(ZERO_ACTIVITY) as readonly (keyof Activity)[];

/**
 * Activity of several agents in one interval. What each had in flight adds up too: exactly at the interval's end, and
 * for `inFlightMax` as an upper bound, since the agents' maxima need not have come at the same instant.
 */
export function addActivity(a: Activity, b: Activity): Activity {
  const sum = { ...a };
  for (const name of ACTIVITY_NAMES) sum[name] = a[name] + b[name];
  return sum;
}

/** The identity of `mergeIntervals` for its key. @param thresholdCounts the length of each clause's `over`. */
export function zeroInterval(key: IntervalKey, thresholdCounts: readonly number[]): Interval {
  return {
    segment: key.segment,
    fromNs: key.fromNs,
    toNs: key.toNs,
    recorded: key.recorded,
    counters: zeroCounters(),
    classes: new Map(),
    clauses: thresholdCounts.map((count) => ({
      total: 0,
      over: new Array<number>(count).fill(0),
    })),
    exceedances: [],
    exceedancesCut: 0,
    activity: ZERO_ACTIVITY,
  };
}

/**
 * Adds intervals of one key up, in place: an agent's later news of it and other agents' parts of it. The result does
 * not depend on the order of adding.
 *
 * Of exceedances with the same clause and index the highest level stays. (One that was cut and comes again is counted
 * as cut twice.)
 */
export class IntervalAccumulator {
  readonly key: IntervalKey;
  private readonly parts = new Parts();
  private activity = ZERO_ACTIVITY;

  constructor(key: IntervalKey) {
    this.key = key;
  }

  add(interval: Interval): void {
    assert(isSameKey(this.key, interval), "merged intervals have the same key");
    this.parts.add(interval);
    this.activity = addActivity(this.activity, interval.activity);
  }

  /** What was added so far; later additions do not show in it. */
  snapshot(): Interval {
    return { ...zeroInterval(this.key, []), ...this.parts.snapshot(), activity: this.activity };
  }
}

export function mergeIntervals(a: Interval, b: Interval): Interval {
  const accumulator = new IntervalAccumulator(a);
  accumulator.add(a);
  accumulator.add(b);
  return accumulator.snapshot();
}

/**
 * The totals over intervals of one segment, such as its recorded window; they may be of any agents and in any order.
 * It reaches from the earliest beginning to the latest end; `inFlightMax` is the largest of the intervals' (each added
 * up over agents), `inFlightEnd` and `waitingEnd` are those of the last. Undefined without any interval.
 */
export function sumIntervals(intervals: readonly Interval[]): Interval | undefined {
  const [first] = intervals;
  if (first === undefined) return undefined;
  const parts = new Parts();
  const activities = new Map<number, Activity>();
  let { fromNs, toNs, recorded } = first;
  for (const interval of intervals) {
    assert(interval.segment === first.segment, "summed intervals are of one segment");
    parts.add(interval);
    const before = activities.get(interval.fromNs) ?? ZERO_ACTIVITY;
    activities.set(interval.fromNs, addActivity(before, interval.activity));
    fromNs = Math.min(fromNs, interval.fromNs);
    toNs = Math.max(toNs, interval.toNs);
    recorded &&= interval.recorded;
  }
  const key = { segment: first.segment, fromNs, toNs, recorded };
  const activity = activityOverTime(activities);
  return { ...zeroInterval(key, []), ...parts.snapshot(), activity };
}

/** What is wrong with an interval that came from another process, in words; empty when it can be merged. */
export function intervalProblems(
  interval: Interval,
  thresholdCounts: readonly number[],
): readonly string[] {
  const problems: string[] = [];
  if (!(interval.fromNs < interval.toNs)) problems.push("an interval ends before it begins");
  const lengths = interval.clauses.map((clause) => clause.over.length);
  if (lengths.join() !== thresholdCounts.join()) {
    problems.push(
      `clauses count ${lengths.join() || "no"} thresholds, not ${thresholdCounts.join() || "none"}`,
    );
  }
  return problems;
}

function isSameKey(a: IntervalKey, b: IntervalKey): boolean {
  const isSameStretch = a.segment === b.segment && a.fromNs === b.fromNs && a.toNs === b.toNs;
  return isSameStretch && a.recorded === b.recorded;
}

/** Counts and integrals add over time as they do over agents; states do not. */
function activityOverTime(activities: ReadonlyMap<number, Activity>): Activity {
  let sum = ZERO_ACTIVITY;
  let lastFromNs = -Infinity;
  for (const [fromNs, activity] of activities) {
    const last = fromNs > lastFromNs ? activity : sum;
    const inFlightMax = Math.max(sum.inFlightMax, activity.inFlightMax);
    const { inFlightEnd, waitingEnd } = last;
    sum = { ...addActivity(sum, activity), inFlightMax, inFlightEnd, waitingEnd };
    lastFromNs = Math.max(lastFromNs, fromNs);
  }
  return sum;
}

/** What adds up alike over agents and over time. */
class Parts {
  private counters = zeroCounters();
  private readonly classes = new Map<string, Map<Metric, Histogram>>();
  private clauses: { total: number; over: number[] }[] | undefined;
  private readonly exceedances = new ExceedanceSet();

  add(interval: Interval): void {
    this.counters = addCounters(this.counters, interval.counters);
    for (const [className, metrics] of interval.classes) {
      for (const [metric, histogram] of metrics) this.addHistogram(className, metric, histogram);
    }
    this.addClauses(interval.clauses);
    this.exceedances.add(interval);
  }

  snapshot(): Pick<
    Interval,
    "counters" | "classes" | "clauses" | "exceedances" | "exceedancesCut"
  > {
    const classes = new Map<string, Map<Metric, Histogram>>();
    for (const [className, metrics] of this.classes) {
      const copies = new Map<Metric, Histogram>();
      for (const [metric, histogram] of metrics) copies.set(metric, copyOf(histogram));
      classes.set(className, copies);
    }
    return {
      counters: this.counters,
      classes,
      clauses: (this.clauses ?? []).map(({ total, over }) => ({ total, over: [...over] })),
      ...this.exceedances.snapshot(),
    };
  }

  private addHistogram(className: string, metric: Metric, histogram: Histogram): void {
    if (histogram.isEmpty) return; // Absent means empty, in one way only.
    const metrics = this.classes.get(className) ?? new Map<Metric, Histogram>();
    this.classes.set(className, metrics);
    const sum = metrics.get(metric);
    if (sum === undefined) metrics.set(metric, copyOf(histogram));
    else sum.add(histogram);
  }

  private addClauses(clauses: readonly ClauseCount[]): void {
    this.clauses ??= clauses.map(({ over }) => ({ total: 0, over: over.map(() => 0) }));
    assert(this.clauses.length === clauses.length, "every agent counts the same clauses");
    for (const [position, sum] of this.clauses.entries()) {
      const { total, over } = clauses[position] ?? sum;
      assert(over.length === sum.over.length, "every agent counts the same thresholds");
      sum.total += total;
      for (const [level, count] of over.entries()) sum.over[level] = (sum.over[level] ?? 0) + count;
    }
  }
}

function copyOf(histogram: Histogram): Histogram {
  const copy = new Histogram(histogram.unitsPerTick);
  copy.add(histogram);
  return copy;
}

class ExceedanceSet {
  /** By clause, then arrival index. */
  private readonly kept = new Map<number, Map<number, Exceedance>>();
  private size = 0;
  private cut = 0;

  add({ exceedances, exceedancesCut }: Interval): void {
    this.cut += exceedancesCut;
    for (const exceedance of exceedances) this.addOne(exceedance);
    // Sorting is worth it only now and then.
    if (this.size > 2 * EXCEEDANCES_MAX) this.cutToBound();
  }

  snapshot(): Pick<Interval, "exceedances" | "exceedancesCut"> {
    const exceedances = this.cutToBound();
    return { exceedances, exceedancesCut: this.cut };
  }

  private addOne(exceedance: Exceedance): void {
    let ofClause = this.kept.get(exceedance.clause);
    if (ofClause === undefined) {
      ofClause = new Map();
      this.kept.set(exceedance.clause, ofClause);
    }
    const known = ofClause.get(exceedance.index);
    if (known === undefined) this.size += 1;
    if (known === undefined || known.level < exceedance.level) {
      ofClause.set(exceedance.index, exceedance);
    }
  }

  private cutToBound(): readonly Exceedance[] {
    const all = [...this.kept.values()].flatMap((ofClause) => [...ofClause.values()]);
    const sorted = all.sort((a, b) => a.index - b.index || a.clause - b.clause);
    for (const exceedance of sorted.splice(EXCEEDANCES_MAX)) {
      this.kept.get(exceedance.clause)?.delete(exceedance.index);
      this.size -= 1;
      this.cut += 1;
    }
    return sorted;
  }
}
