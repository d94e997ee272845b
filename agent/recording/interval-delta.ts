import type { Counters } from "../../shared/measurement/counters.ts";
import { Histogram } from "../../shared/measurement/histogram.ts";
import {
  type Activity,
  type Exceedance,
  type Interval,
  ZERO_ACTIVITY,
} from "../../shared/measurement/interval.ts";
import { METRICS, type Metric, unitsPerTick } from "../../shared/measurement/metric.ts";

/** How many exceedances of one interval an agent lists; beyond it the interval is hot and clumps do not matter. */
const EXCEEDANCES_MAX = 1024;

type Mutable<T> = { -readonly [K in keyof T]: T[K] };
export type MutableCounters = Mutable<Omit<Counters, "httpErrors">> & {
  httpErrors: Map<number, number>;
};

export function newCounters(): MutableCounters {
  return {
    scheduled: 0,
    fired: 0,
    droppedInFlightBound: 0,
    droppedSocket: 0,
    droppedPolicy: 0,
    notOfferedSuperseded: 0,
    notOfferedAborted: 0,
    ok: 0,
    httpErrors: new Map(),
    connectErrors: 0,
    streamErrors: 0,
    timeouts: 0,
    censored: 0,
  };
}

/** Which interval; kept by each request so that its late news finds the way back. */
export interface IntervalKey {
  readonly segment: number;
  readonly fromNs: number;
  readonly toNs: number;
  readonly recorded: boolean;
}

/** What is new about one interval since the last report. */
export class IntervalDelta {
  readonly key: IntervalKey;
  readonly counters = newCounters();
  readonly activity: Mutable<Activity> = { ...ZERO_ACTIVITY };
  readonly clauses: { total: number; over: number[] }[];
  readonly #exceedances: Exceedance[] = [];
  #exceedancesCut = 0;
  readonly #classNames: readonly string[];
  /** By class, then position of the metric. */
  readonly #histograms: (Histogram | undefined)[];

  constructor(key: IntervalKey, classNames: readonly string[], thresholdCounts: readonly number[]) {
    this.key = key;
    this.#classNames = classNames;
    this.clauses = thresholdCounts.map((count) => ({
      total: 0,
      over: new Array<number>(count).fill(0),
    }));
    this.#histograms = new Array<Histogram | undefined>(classNames.length * METRICS.length);
  }

  /** Adds `count` values of one metric, in its unit. */
  record(classIndex: number, metricIndex: number, value: number, count = 1): void {
    const place = classIndex * METRICS.length + metricIndex;
    let histogram = this.#histograms[place];
    if (histogram === undefined) {
      histogram = new Histogram(unitsPerTick(METRICS[metricIndex] ?? "ttft"));
      this.#histograms[place] = histogram;
    }
    histogram.record(value, count);
  }

  exceeded(exceedance: Exceedance): void {
    if (this.#exceedances.length < EXCEEDANCES_MAX) this.#exceedances.push(exceedance);
    else this.#exceedancesCut += 1;
  }

  /** Hands the delta on; it must not be written to any more. */
  sealed(): Interval {
    const classes = new Map<string, Map<Metric, Histogram>>();
    this.#histograms.forEach((histogram, place) => {
      const className = this.#classNames[Math.floor(place / METRICS.length)];
      const metric = METRICS[place % METRICS.length];
      if (histogram === undefined || className === undefined || metric === undefined) return;
      const ofClass = classes.get(className) ?? new Map<Metric, Histogram>();
      ofClass.set(metric, histogram);
      classes.set(className, ofClass);
    });
    return {
      ...this.key,
      counters: this.counters,
      classes,
      clauses: this.clauses,
      exceedances: this.#exceedances,
      exceedancesCut: this.#exceedancesCut,
      activity: this.activity,
    };
  }
}
