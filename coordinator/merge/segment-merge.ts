import { addCounters, failedCount, zeroCounters } from "../../shared/measurement/counters.ts";
import type { Counters } from "../../shared/measurement/counters.ts";
import { Histogram } from "../../shared/measurement/histogram.ts";
import {
  type Activity,
  addActivity,
  type ClauseCount,
  type Exceedance,
  type Interval,
  ZERO_ACTIVITY,
} from "../../shared/measurement/interval.ts";
import { type Metric, unitsPerTick } from "../../shared/measurement/metric.ts";

/** One interval of a segment over the whole fleet, without its histograms. */
export interface MergedInterval {
  readonly fromNs: number;
  readonly toNs: number;
  readonly recorded: boolean;
  readonly counters: Counters;
  readonly clauses: readonly ClauseCount[];
  readonly exceedances: readonly Exceedance[];
  readonly exceedancesCut: number;
  readonly activity: Activity;
}

/** As long as agents add to it, in place: a thousand of them would otherwise copy each list a thousand times. */
type GrowingInterval = MergedInterval & { readonly exceedances: Exceedance[] };

export type HistogramsByClass = ReadonlyMap<string, ReadonlyMap<Metric, Histogram>>;

/** One agent's part of a segment's recorded window. */
export interface AgentPart {
  readonly counters: Counters;
  readonly sendDelay: Histogram;
  /** Counts and integrals over the window; of states and maxima it says nothing. */
  readonly activity: Activity;
}

/** The part of an agent that reported nothing. */
export function noPart(): AgentPart {
  const sendDelay = new Histogram(unitsPerTick("send_delay"));
  return { counters: zeroCounters(), sendDelay, activity: ZERO_ACTIVITY };
}

/** Everything the agents reported of one segment, merged. Addition: any order, any number of parts. */
export class SegmentMerge {
  readonly #intervals = new Map<number, GrowingInterval>();
  readonly #classes = new Map<string, Map<Metric, Histogram>>();
  readonly #agents = new Map<string, { -readonly [Field in keyof AgentPart]: AgentPart[Field] }>();
  #counters = zeroCounters();

  /** All arrivals of the segment, recorded or not. */
  get counters(): Counters {
    return this.#counters;
  }

  /** Of the recorded window, by class name. */
  get classes(): HistogramsByClass {
    return this.#classes;
  }

  get agents(): ReadonlyMap<string, AgentPart> {
    return this.#agents;
  }

  /** In the order of time. */
  intervals(): readonly MergedInterval[] {
    return [...this.#intervals.values()].sort((a, b) => a.fromNs - b.fromNs);
  }

  /** Fired requests of the segment that have not ended. */
  get open(): number {
    return openOf(this.#counters);
  }

  add(agentId: string, delta: Interval): void {
    this.#counters = addCounters(this.#counters, delta.counters);
    const known = this.#intervals.get(delta.fromNs);
    this.#intervals.set(
      delta.fromNs,
      known === undefined ? scalarsOf(delta) : merged(known, delta),
    );
    if (!delta.recorded) return;
    for (const [className, metrics] of delta.classes)
      for (const [metric, histogram] of metrics) {
        this.#histogram(className, metric).add(histogram);
        if (metric === "send_delay") this.#agent(agentId).sendDelay.add(histogram);
      }
    const part = this.#agent(agentId);
    part.counters = addCounters(part.counters, delta.counters);
    part.activity = addActivity(part.activity, delta.activity);
  }

  #agent(agentId: string): { -readonly [Field in keyof AgentPart]: AgentPart[Field] } {
    const part = this.#agents.get(agentId) ?? noPart();
    this.#agents.set(agentId, part);
    return part;
  }

  #histogram(className: string, metric: Metric): Histogram {
    const ofClass = this.#classes.get(className) ?? new Map<Metric, Histogram>();
    this.#classes.set(className, ofClass);
    const histogram = ofClass.get(metric) ?? new Histogram(unitsPerTick(metric));
    ofClass.set(metric, histogram);
    return histogram;
  }
}

/** fired = every outcome + open. */
export function openOf(counters: Counters): number {
  return counters.fired - finishedOf(counters);
}

function finishedOf(counters: Counters): number {
  return counters.ok + failedCount(counters) + counters.censored;
}

function scalarsOf(delta: Interval): GrowingInterval {
  const { fromNs, toNs, recorded, counters, clauses, exceedancesCut, activity } = delta;
  const exceedances = [...delta.exceedances];
  return { fromNs, toNs, recorded, counters, clauses, exceedances, exceedancesCut, activity };
}

function merged(known: GrowingInterval, delta: Interval): GrowingInterval {
  for (const exceedance of delta.exceedances) known.exceedances.push(exceedance);
  return {
    fromNs: known.fromNs,
    toNs: Math.min(known.toNs, delta.toNs),
    recorded: known.recorded,
    counters: addCounters(known.counters, delta.counters),
    clauses: known.clauses.map((count, position) =>
      addClauseCounts(count, delta.clauses[position]),
    ),
    exceedances: known.exceedances,
    exceedancesCut: known.exceedancesCut + delta.exceedancesCut,
    activity: addActivity(known.activity, delta.activity),
  };
}

export function addClauseCounts(a: ClauseCount, b: ClauseCount | undefined): ClauseCount {
  if (b === undefined) return a;
  return { total: a.total + b.total, over: a.over.map((count, j) => count + (b.over[j] ?? 0)) };
}
