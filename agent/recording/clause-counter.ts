import { ABSENT, elapsedNs, type RequestMetrics } from "../../shared/measurement/timeline.ts";
import { limitIndex } from "../../shared/slo/thresholds.ts";
import type { ClauseThresholds } from "../../shared/slo/slo.ts";
import { NS_PER_SECOND } from "../../shared/units.ts";
import type { Flight } from "./flight.ts";
import type { IntervalDelta } from "./interval-delta.ts";

/**
 * Exceedances are listed from the lowest threshold that fewer than this part of the requests exceed. Verdicts use
 * thresholds that fewer than 35 % of a whole window exceed; the margin keeps one agent's busy second from leaving a
 * hole in such a threshold's list.
 */
const LISTED_FRACTION_MAX = 0.5;
/** How much of what was seen before an interval still counts after it. */
const SEEN_KEPT_FRACTION = 0.5;
/** Of fewer requests no fraction is taken: everything is listed. */
const SEEN_MIN = 10;

interface CompiledClause {
  readonly position: number;
  readonly metric: ClauseThresholds["metric"];
  readonly thresholds: readonly number[];
  /** More thresholds than this exceeded: the limit itself is. */
  readonly limitLevel: number;
  /** -1: every class. */
  readonly classIndex: number;
  /** Over the last intervals, the newest weighing most; for the lowest listed level. */
  readonly seenOver: number[];
  seenTotal: number;
  listedFrom: number;
}

/**
 * Counts, per clause, the requests that exceed each threshold at the moment they first do, finished or not
 * (the age rule), so that no verdict waits for a straggler and nothing unfinished is thrown away.
 */
export class ClauseCounter {
  readonly #clauses: readonly CompiledClause[];
  /** Those that a token may decide: nearly always none. */
  readonly #ofGaps: readonly CompiledClause[];

  constructor(thresholds: readonly ClauseThresholds[], classNames: readonly string[]) {
    this.#clauses = thresholds.map((table, position) => ({
      position,
      metric: table.metric,
      thresholds: table.thresholds,
      limitLevel: limitIndex(table),
      classIndex: table.className === undefined ? -1 : classNames.indexOf(table.className),
      seenOver: table.thresholds.map(() => 0),
      seenTotal: 0,
      listedFrom: 0,
    }));
    this.#ofGaps = this.#clauses.filter(({ metric }) => metric === "gap" || metric === "max_gap");
  }

  /** Length of `over` of each clause. */
  get thresholdCounts(): number[] {
    return this.#clauses.map((clause) => Math.max(1, clause.thresholds.length));
  }

  /** A request was fired: it counts in every clause that is about requests. */
  fired(delta: IntervalDelta, classIndex: number): void {
    for (const clause of this.#clauses) {
      if (!this.#concerns(clause, classIndex)) continue;
      if (clause.metric === "gap" || clause.metric === "itl") continue;
      this.#count(clause, delta).total += 1;
      clause.seenTotal += 1;
    }
  }

  /** An arrival that overload kept from being sent violates every clause about requests. */
  droppedByOverload(delta: IntervalDelta, classIndex: number): void {
    this.fired(delta, classIndex);
    for (const clause of this.#clauses) {
      if (!this.#concerns(clause, classIndex)) continue;
      if (clause.metric === "gap" || clause.metric === "itl") continue;
      const count = this.#count(clause, delta);
      for (let level = 0; level < count.over.length; level += 1)
        count.over[level] = (count.over[level] ?? 0) + 1;
    }
  }

  /** The first content came: first-token clauses are decided. */
  firstContent(flight: Flight, delta: IntervalDelta): void {
    const ttftNs = elapsedNs(flight, flight.firstContentAtNs);
    this.#raiseAll(flight, delta, (metric) => {
      if (metric === "ttft") return ttftNs;
      if (metric === "service_ttft") return ttftNs - elapsedNs(flight, flight.sentAtNs);
      return undefined;
    });
  }

  /** `count` pauses of `gapNs` between content events of one request. */
  gap(flight: Flight, delta: IntervalDelta, gapNs: number, count: number): void {
    // A loop over none would cost an iterator a token.
    if (this.#ofGaps.length === 0) return;
    for (const clause of this.#ofGaps) {
      if (!this.#concerns(clause, flight.classIndex)) continue;
      if (clause.metric === "gap") {
        const level = levelOf(clause.thresholds, gapNs);
        const total = this.#count(clause, delta);
        total.total += count;
        for (let j = 0; j < level; j += 1) total.over[j] = (total.over[j] ?? 0) + count;
        if (level > clause.limitLevel) this.#bad(flight, delta);
      } else {
        this.#raise(clause, flight, delta, levelOf(clause.thresholds, gapNs));
      }
    }
  }

  /** The request is over. */
  ended(flight: Flight, delta: IntervalDelta, metrics: RequestMetrics): void {
    const failed = flight.outcome !== "ok";
    const censored = flight.outcome === "censored";
    for (const clause of this.#clauses) {
      if (clause.metric !== "itl" || !this.#concerns(clause, flight.classIndex)) continue;
      if (metrics.itl !== undefined || (failed && !censored)) this.#count(clause, delta).total += 1;
    }
    if (censored) this.age(flight, () => delta, flight.endAtNs);
    else if (failed) this.#failed(flight, delta);
    else this.#completed(flight, delta, metrics);
  }

  /** Counts an open request over whatever its age already exceeds. `nowNs`: agent's clock. */
  age(flight: Flight, delta: () => IntervalDelta, nowNs: number): void {
    for (const clause of this.#clauses) {
      const ageNs = ageFor(clause.metric, flight, nowNs);
      if (ageNs === undefined || !this.#concerns(clause, flight.classIndex)) continue;
      const level = levelOf(clause.thresholds, ageNs);
      if (level > (flight.levels[clause.position] ?? 0))
        this.#raise(clause, flight, delta(), level);
    }
  }

  /** A new segment: what share of its requests exceed a threshold is learnt anew. */
  segmentStarted(): void {
    for (const clause of this.#clauses) {
      clause.seenOver.fill(0);
      clause.seenTotal = 0;
      clause.listedFrom = 0;
    }
  }

  /** An interval is over: exceedances are listed from the level its counts now say. */
  intervalSealed(): void {
    for (const clause of this.#clauses) {
      const rare = clause.seenOver.findIndex(
        (count) => count < LISTED_FRACTION_MAX * clause.seenTotal,
      );
      clause.listedFrom = rare === -1 ? clause.thresholds.length : rare;
      if (clause.seenTotal < SEEN_MIN) clause.listedFrom = 0;
      // A backlog that a segment begins with is over long before its window is: it is forgotten as fast.
      clause.seenTotal *= SEEN_KEPT_FRACTION;
      for (let j = 0; j < clause.seenOver.length; j += 1)
        clause.seenOver[j] = (clause.seenOver[j] ?? 0) * SEEN_KEPT_FRACTION;
    }
  }

  /** A failure exceeds every threshold it had not been decided on: first-token clauses only when nothing had come. */
  #failed(flight: Flight, delta: IntervalDelta): void {
    for (const clause of this.#clauses) {
      if (!this.#concerns(clause, flight.classIndex)) continue;
      if (clause.metric === "error_rate") this.#over(clause, flight, delta);
      else if (clause.metric === "gap" || clause.metric === "goodput") continue;
      else if (!isFirstToken(clause.metric) || flight.firstContentAtNs === ABSENT)
        this.#raise(clause, flight, delta, clause.thresholds.length);
    }
    this.#bad(flight, delta);
  }

  /** An answer without content had its whole say at its end: so long its first token was waited for. */
  #completed(flight: Flight, delta: IntervalDelta, metrics: RequestMetrics): void {
    this.#raiseAll(flight, delta, (metric) => {
      if (metric === "ttft") return metrics.ttft ?? metrics.e2e;
      if (metric === "service_ttft") return metrics.service_ttft ?? metrics.service_e2e;
      if (metric === "e2e" || metric === "service_e2e" || metric === "itl") return metrics[metric];
      return undefined;
    });
    if (metrics.itl !== undefined)
      this.#slow(flight, delta, NS_PER_SECOND / Math.max(metrics.itl, 1));
  }

  #slow(flight: Flight, delta: IntervalDelta, tokensPerSecond: number): void {
    for (const clause of this.#clauses) {
      if (clause.metric !== "output_tokens_per_second") continue;
      if (!this.#concerns(clause, flight.classIndex)) continue;
      const limit = clause.thresholds[0] ?? 0;
      if (tokensPerSecond < limit) this.#raise(clause, flight, delta, 1);
    }
  }

  #raiseAll(
    flight: Flight,
    delta: IntervalDelta,
    valueOf: (metric: ClauseThresholds["metric"]) => number | undefined,
  ): void {
    for (const clause of this.#clauses) {
      const value = valueOf(clause.metric);
      if (value === undefined || !this.#concerns(clause, flight.classIndex)) continue;
      this.#raise(clause, flight, delta, levelOf(clause.thresholds, value));
    }
  }

  #raise(clause: CompiledClause, flight: Flight, delta: IntervalDelta, level: number): void {
    const before = flight.levels[clause.position] ?? 0;
    if (level <= before) return;
    const count = this.#count(clause, delta);
    for (let j = before; j < level; j += 1) {
      count.over[j] = (count.over[j] ?? 0) + 1;
      clause.seenOver[j] = (clause.seenOver[j] ?? 0) + 1;
    }
    flight.levels[clause.position] = level;
    if (level - 1 >= clause.listedFrom)
      delta.exceeded({
        index: flight.index,
        intendedAtNs: flight.intendedAtRunNs,
        clause: clause.position,
        level: level - 1,
      });
    if (level > clause.limitLevel) this.#bad(flight, delta);
  }

  #bad(flight: Flight, delta: IntervalDelta): void {
    if (flight.bad) return;
    flight.bad = true;
    for (const clause of this.#clauses)
      if (clause.metric === "goodput" && this.#concerns(clause, flight.classIndex))
        this.#over(clause, flight, delta);
  }

  /** `error_rate` and `goodput` have one count, `over[0]`. */
  #over(clause: CompiledClause, flight: Flight, delta: IntervalDelta): void {
    const count = this.#count(clause, delta);
    count.over[0] = (count.over[0] ?? 0) + 1;
    flight.levels[clause.position] = 1;
  }

  #count(clause: CompiledClause, delta: IntervalDelta): { total: number; over: number[] } {
    const count = delta.clauses[clause.position];
    if (count === undefined) throw new Error("a delta has a count for every clause");
    return count;
  }

  #concerns(clause: CompiledClause, classIndex: number): boolean {
    return clause.classIndex === -1 || clause.classIndex === classIndex;
  }
}

function isFirstToken(metric: ClauseThresholds["metric"]): boolean {
  return metric === "ttft" || metric === "service_ttft";
}

/** What an open request's value of `metric` is at least, ns; undefined where age says nothing. */
function ageFor(
  metric: ClauseThresholds["metric"],
  flight: Flight,
  nowNs: number,
): number | undefined {
  if (isFirstToken(metric) && flight.firstContentAtNs !== ABSENT) return undefined;
  switch (metric) {
    case "ttft":
    case "e2e":
      return elapsedNs(flight, nowNs);
    case "service_ttft":
    case "service_e2e":
      return elapsedNs(flight, nowNs) - elapsedNs(flight, flight.sentAtNs);
    case "max_gap":
      return flight.lastContentAtNs === ABSENT
        ? undefined
        : elapsedNs(flight, nowNs) - elapsedNs(flight, flight.lastContentAtNs);
    case "itl":
    case "gap":
    case "output_tokens_per_second":
    case "error_rate":
    case "goodput":
      return undefined;
  }
}

/** How many of the ascending thresholds `value` exceeds. */
function levelOf(thresholds: readonly number[], value: number): number {
  let level = 0;
  while (level < thresholds.length && value > (thresholds[level] ?? 0)) level += 1;
  return level;
}
