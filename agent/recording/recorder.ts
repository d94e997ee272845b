import type { Interval } from "../../shared/measurement/interval.ts";
import { METRICS, type Metric } from "../../shared/measurement/metric.ts";
import {
  ABSENT,
  elapsedNs,
  outputTokensOf,
  type RequestMetrics,
  timelineMetrics,
  toRequestRecord,
} from "../../shared/measurement/timeline.ts";
import { countOutcome, isLengthOff, lacksOwnResource } from "./finished.ts";
import type { ArrivalRun, RequestRecord } from "../../shared/measurement/report.ts";
import { intervalOf } from "../../shared/segment/intervals.ts";
import type { Segment } from "../../shared/segment/segment.ts";
import type { ClauseThresholds } from "../../shared/slo/slo.ts";
import { ClauseCounter } from "./clause-counter.ts";
import { Flight, type FlightObserver } from "./flight.ts";
import {
  IntervalDelta,
  type IntervalKey,
  type MutableCounters,
  newCounters,
} from "./interval-delta.ts";
import { HeldBack } from "./held-back.ts";
import { LoadMeter } from "./load-meter.ts";

const indexOf = (metric: Metric): number => METRICS.indexOf(metric);
const SEND_DELAY = indexOf("send_delay");
const TTFT = indexOf("ttft");
const SERVICE_TTFT = indexOf("service_ttft");
const GAP = indexOf("gap");

/** What only a good end tells. */
const ON_COMPLETION = (
  ["answer_ttft", "itl", "max_gap", "e2e", "service_e2e", "output_tokens_per_second"] as const
).map((metric) => ({ metric, position: indexOf(metric) }));

export interface RecorderOptions {
  readonly classNames: readonly string[];
  readonly thresholds: readonly ClauseThresholds[];
  readonly intervalNs: number;
  /** The plan forces output lengths, so one that the server counts differently is worth telling. */
  readonly forcesLengths: boolean;
  /** Told of each finished request, for the dispatcher's bookkeeping and the records. */
  readonly onEnded: (flight: Flight, record: RequestRecord) => void;
  /** Told when a request stops waiting for its first token without having ended. */
  readonly onFirstContent: () => void;
}

/** An arrival as it is sent. */
export interface FiredArrival {
  readonly index: number;
  readonly classIndex: number;
  readonly order: { readonly outputTokens: number };
}

/** What one seal takes out. */
export interface Sealed {
  readonly sealedUntilNs: number;
  readonly deltas: readonly Interval[];
  readonly totals: MutableCounters;
  readonly open: number;
  readonly heldBack: readonly ArrivalRun[];
}

/** Why a scheduled arrival was not sent. */
export type NotSent =
  | "droppedInFlightBound"
  | "droppedSocket"
  | "droppedPolicy"
  | "notOfferedSuperseded"
  | "notOfferedAborted";

/**
 * Turns the events of requests into counts and histograms per interval of the run's clock. Latencies, outcomes
 * and clause counts are filed under the interval the request was intended in, activity under the one it happens in.
 */
export class Recorder implements FlightObserver {
  readonly #options: RecorderOptions;
  readonly #clauses: ClauseCounter;
  readonly #dirty = new Map<IntervalKey, IntervalDelta>();
  /** The delta asked for last: nearly always the one that is asked for next. */
  #lastDelta: IntervalDelta | undefined;
  readonly #flights = new Set<Flight>();
  readonly #meter = new LoadMeter();
  readonly #heldBack = new HeldBack();
  #totals = newCounters();
  #segment: Segment | undefined;
  #clockAheadNs = 0;
  #current: IntervalKey | undefined;
  #intended: IntervalKey | undefined;

  constructor(options: RecorderOptions) {
    this.#options = options;
    this.#clauses = new ClauseCounter(options.thresholds, options.classNames);
  }

  get inFlight(): number {
    return this.#meter.inFlight;
  }

  get waiting(): number {
    return this.#meter.waiting;
  }

  get flights(): ReadonlySet<Flight> {
    return this.#flights;
  }

  /** From now on arrivals and activity belong to `segment`; called at its start, in order of segments. */
  startSegment(segment: Segment, clockAheadNs: number): void {
    if (this.#segment === undefined) this.#meter.startAt(segment.startAtNs);
    else this.#closeCurrentAt(segment.startAtNs);
    this.#segment = segment;
    this.#clockAheadNs = clockAheadNs;
    this.#intended = undefined;
    this.#current = this.#keyAt(segment, segment.startAtNs);
    this.#clauses.segmentStarted();
  }

  /** A request leaves now. `intendedAtNs` on the run's clock, `sentAtNs` on the agent's. */
  fired(arrival: FiredArrival, intendedAtNs: number, sentAtNs: number): Flight {
    const interval = this.#intervalOf(intendedAtNs);
    const flight = new Flight({
      observer: this,
      interval,
      index: arrival.index,
      classIndex: arrival.classIndex,
      askedTokens: arrival.order.outputTokens,
      segment: interval.segment,
      intendedAtNs: intendedAtNs + this.#clockAheadNs,
      intendedAtRunNs: intendedAtNs,
      sentAtNs,
      clauseCount: this.#options.thresholds.length,
    });
    const delta = this.#delta(interval);
    this.#heldBack.end();
    this.#countBoth(delta, (counters) => {
      counters.scheduled += 1;
      counters.fired += 1;
    });
    delta.record(flight.classIndex, SEND_DELAY, Math.max(0, sentAtNs - flight.intendedAtNs));
    this.#clauses.fired(delta, flight.classIndex);
    const now = this.#activityAt(sentAtNs);
    this.#meter.inFlight += 1;
    this.#meter.waiting += 1;
    now.activity.sent += 1;
    if (this.#meter.inFlight > now.activity.inFlightMax)
      now.activity.inFlightMax = this.#meter.inFlight;
    this.#flights.add(flight);
    return flight;
  }

  /** A scheduled arrival that is not sent. `overload`: the server's fault, so it counts against the SLO. */
  notSent(
    { index, classIndex }: Pick<FiredArrival, "index" | "classIndex">,
    intendedAtNs: number,
    why: NotSent,
  ): void {
    const delta = this.#delta(this.#intervalOf(intendedAtNs));
    this.#countBoth(delta, (counters) => {
      counters.scheduled += 1;
      counters[why] += 1;
    });
    if (why === "droppedInFlightBound") this.#clauses.droppedByOverload(delta, classIndex);
    if (why === "notOfferedAborted") this.#heldBack.add(delta.key.segment, index);
    else this.#heldBack.end();
  }

  content(flight: Flight, atNs: number, events: number): void {
    const delta = this.#delta(flight.interval);
    const isFirst = flight.firstContentAtNs === ABSENT;
    // A later token changes nothing that is integrated.
    const { activity } = isFirst ? this.#activityAt(atNs) : this.#deltaAt(atNs);
    activity.contentEvents += events;
    let gaps = events;
    if (isFirst) {
      gaps -= 1;
      flight.firstContentAtNs = atNs;
      this.#meter.waiting -= 1;
      activity.firstTokens += 1;
      const ttftNs = elapsedNs(flight, atNs);
      delta.record(flight.classIndex, TTFT, ttftNs);
      delta.record(
        flight.classIndex,
        SERVICE_TTFT,
        Math.max(0, ttftNs - elapsedNs(flight, flight.sentAtNs)),
      );
      this.#clauses.firstContent(flight, delta);
      this.#options.onFirstContent();
    } else {
      const gapNs = elapsedNs(flight, atNs) - elapsedNs(flight, flight.lastContentAtNs);
      gaps -= 1;
      flight.gapMaxNs = Math.max(flight.gapMaxNs, gapNs);
      delta.record(flight.classIndex, GAP, gapNs);
      this.#clauses.gap(flight, delta, gapNs, 1);
    }
    if (gaps > 0) {
      // Events of one read share one arrival time: their gaps are nought, as far as this side can tell.
      delta.record(flight.classIndex, GAP, 0, gaps);
      this.#clauses.gap(flight, delta, 0, gaps);
      flight.gapMaxNs = Math.max(flight.gapMaxNs, 0);
    }
    flight.contentEvents += events;
    flight.lastContentAtNs = atNs;
  }

  bytes(count: number): void {
    if (this.#current !== undefined) this.#delta(this.#current).activity.bytesRead += count;
  }

  ended(flight: Flight): void {
    const delta = this.#delta(flight.interval);
    const { activity } = this.#activityAt(flight.endAtNs);
    if (flight.firstContentAtNs === ABSENT) this.#meter.waiting -= 1;
    this.#meter.inFlight -= 1;
    this.#flights.delete(flight);
    activity.completed += 1;
    activity.outputTokens += outputTokensOf(flight);
    activity.inputTokens += Math.max(0, flight.inputTokens);
    if (flight.outcome === "ok") activity.completedOk += 1;
    if (lacksOwnResource(flight)) activity.ownConnectErrors += 1;
    if (this.#options.forcesLengths && isLengthOff(flight)) activity.lengthsOff += 1;
    this.#countBoth(delta, (counters) => {
      countOutcome(counters, flight);
    });
    const metrics = timelineMetrics(flight);
    if (flight.outcome === "ok") this.#recordCompleted(flight, delta, metrics);
    this.#clauses.ended(flight, delta, metrics);
    this.#options.onEnded(flight, toRequestRecord(flight, flight));
  }

  /**
   * Takes out everything that happened before `untilNs` (run clock), an interval's end. The caller has fired
   * whatever was due before it.
   */
  seal(untilNs: number): Sealed {
    const untilAgentNs = untilNs + this.#clockAheadNs;
    for (const flight of this.#flights)
      this.#clauses.age(flight, () => this.#delta(flight.interval), untilAgentNs);
    this.#rollTo(untilNs);
    const deltas = [...this.#dirty.values()];
    // What happened after the boundary (this call may be late) belongs to the interval that is still open.
    const kept = deltas.filter((delta) => delta.key.fromNs >= untilNs);
    this.#dirty.clear();
    this.#lastDelta = undefined;
    for (const delta of kept) this.#dirty.set(delta.key, delta);
    this.#clauses.intervalSealed();
    return {
      sealedUntilNs: untilNs,
      deltas: deltas.filter((delta) => delta.key.fromNs < untilNs).map((delta) => delta.sealed()),
      totals: { ...this.#totals, httpErrors: new Map(this.#totals.httpErrors) },
      open: this.#flights.size,
      heldBack: this.#heldBack.take(),
    };
  }

  #recordCompleted(flight: Flight, delta: IntervalDelta, metrics: RequestMetrics): void {
    for (const { metric, position } of ON_COMPLETION) {
      const value = metrics[metric];
      if (value !== undefined) delta.record(flight.classIndex, position, value);
    }
  }

  #intervalOf(intendedAtNs: number): IntervalKey {
    const known = this.#intended;
    if (known !== undefined && intendedAtNs >= known.fromNs && intendedAtNs < known.toNs)
      return known;
    const segment = this.#segment;
    if (segment === undefined) throw new Error("an arrival belongs to a segment");
    const current = this.#current;
    const interval = this.#keyAt(segment, intendedAtNs);
    // One object a key: late news and activity of the same interval share a delta.
    this.#intended = current?.fromNs === interval.fromNs ? current : interval;
    return this.#intended;
  }

  #delta(key: IntervalKey): IntervalDelta {
    const last = this.#lastDelta;
    if (last?.key === key) return last;
    let delta = this.#dirty.get(key);
    if (delta === undefined) {
      delta = new IntervalDelta(key, this.#options.classNames, this.#clauses.thresholdCounts);
      this.#dirty.set(key, delta);
    }
    this.#lastDelta = delta;
    return delta;
  }

  /** The delta in which something that happens at `atNs` (agent's clock) is filed, integrals up to date. */
  #activityAt(atNs: number): IntervalDelta {
    const delta = this.#deltaAt(atNs);
    this.#meter.integrate(delta, atNs - this.#clockAheadNs);
    return delta;
  }

  /** As `#activityAt`, without the integrals. */
  #deltaAt(atNs: number): IntervalDelta {
    this.#rollTo(atNs - this.#clockAheadNs);
    return this.#delta(this.#currentKey());
  }

  /** Closes every interval that ends at or before `runNs`, each with its own part of the integrals. */
  #rollTo(runNs: number): void {
    const segment = this.#segment;
    if (segment === undefined) return;
    let current = this.#currentKey();
    while (current.toNs <= runNs) {
      this.#closeInterval(current, current.toNs);
      const next = this.#keyAt(segment, current.toNs);
      const intended = this.#intended;
      current = intended?.fromNs === next.fromNs ? intended : next;
      this.#current = current;
    }
  }

  /** A segment superseded in the middle of an interval closes it early. */
  #closeCurrentAt(runNs: number): void {
    this.#rollTo(runNs);
    this.#closeInterval(this.#currentKey(), runNs);
  }

  #closeInterval(key: IntervalKey, atNs: number): void {
    const delta = this.#delta(key);
    this.#meter.integrate(delta, atNs);
    delta.activity.inFlightEnd = this.#meter.inFlight;
    delta.activity.waitingEnd = this.#meter.waiting;
  }

  #keyAt(segment: Segment, atNs: number): IntervalKey {
    return { segment: segment.number, ...intervalOf(segment, atNs, this.#options.intervalNs) };
  }

  #currentKey(): IntervalKey {
    if (this.#current === undefined) throw new Error("activity belongs to a segment");
    return this.#current;
  }

  #countBoth(delta: IntervalDelta, count: (counters: MutableCounters) => void): void {
    count(delta.counters);
    count(this.#totals);
  }
}
