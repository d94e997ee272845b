import { NS_PER_MS, NS_PER_SECOND, NS_PER_US } from "../../shared/units.ts";
import type { Exceedance } from "../../shared/measurement/interval.ts";
import { instantUs } from "../../shared/measurement/timeline.ts";
import type { Segment } from "../../shared/segment/segment.ts";
import type { Clause, ClauseThresholds, Slo } from "../../shared/slo/slo.ts";
import { limitIndex, thresholdTable } from "../../shared/slo/thresholds.ts";
import type { SecondObserved, SegmentRequest, WindowObserved } from "../search/procedure.ts";
import { isFailure, levelOf, type RecordedRequest } from "./levels.ts";

/** Exceedances are listed from the lowest threshold that fewer than this part exceed, as agents list them. */
const LISTED_FRACTION_MAX = 0.5;
/** An observation long after the window: nothing of it is too young to be decided. */
const LONG_AFTER_S = 1e6;
/** Where the recorded window of a segment lies. */
export interface WindowBounds {
  readonly segment: Segment;
  readonly request: SegmentRequest;
  /** Run clock, ns: its end, which the next segment's start may have brought forward. */
  readonly untilNs: number;
}

interface Tally {
  total: number;
  readonly over: number[];
}

/** Counts one recorded window's requests anew against an SLO, as agents count them while they come. */
export class WindowRecount {
  readonly #bounds: WindowBounds;
  readonly #slo: Slo;
  readonly #thresholds: readonly ClauseThresholds[];
  readonly #tallies: readonly Tally[];
  readonly #exceedances: Exceedance[] = [];
  readonly #seconds: SecondTally[] = [];
  readonly #ttft = { count: 0, sumMs: 0 };
  readonly #e2e = { count: 0, sumMs: 0 };
  #records = 0;
  #failed = 0;

  constructor(bounds: WindowBounds, slo: Slo) {
    this.#bounds = bounds;
    this.#slo = slo;
    this.#thresholds = thresholdTable(slo);
    this.#tallies = this.#thresholds.map(({ thresholds }) => ({
      total: 0,
      over: Array<number>(Math.max(1, thresholds.length)).fill(0),
    }));
  }

  /** Records counted so far: those of requests that were intended within the window. */
  get records(): number {
    return this.#records;
  }

  /** Counts a request of the segment; one outside the recorded window is passed over. */
  add(request: RecordedRequest): void {
    const { segment, untilNs } = this.#bounds;
    const intendedUs = Math.round((request.intendedMs * NS_PER_MS) / NS_PER_US);
    if (intendedUs < instantUs(segment.recordFromNs) || intendedUs >= instantUs(untilNs)) return;
    this.#records += 1;
    if (isFailure(request)) this.#failed += 1;
    this.#observe(request, (intendedUs * NS_PER_US - segment.recordFromNs) / NS_PER_SECOND);
    const isBad = this.#countLatencies(request) || isFailure(request);
    for (const [position, clause] of this.#slo.entries()) {
      if (clause.kind === "quantile" || !concerns(clause, request)) continue;
      const isOver = clause.kind === "goodput" ? isBad : isFailure(request);
      this.#count(position, request, isOver ? 1 : 0);
    }
  }

  /** Whether it is over any of the limits. */
  #countLatencies(request: RecordedRequest): boolean {
    let isBad = false;
    for (const [position, clause] of this.#slo.entries()) {
      if (clause.kind !== "quantile" || !concerns(clause, request)) continue;
      const level = levelOf(request, clause, this.#thresholds[position]?.thresholds ?? []);
      if (level === undefined) continue;
      this.#count(position, request, level);
      if (level > limitIndex({ metric: clause.metric })) isBad = true;
    }
    return isBad;
  }

  /** Arrivals that the in-flight bound kept from being sent violate every clause about requests. */
  addDropped(count: number): void {
    for (const [position, clause] of this.#slo.entries()) {
      if (clause.kind === "quantile" && clause.metric === "itl") continue;
      const tally = this.#tally(position);
      tally.total += count;
      for (let level = 0; level < tally.over.length; level += 1)
        tally.over[level] = (tally.over[level] ?? 0) + count;
    }
  }

  /** The window as a search would have seen it, long after its end. */
  observed(): WindowObserved {
    const { segment, request, untilNs } = this.#bounds;
    const recordedS = (untilNs - segment.recordFromNs) / NS_PER_SECOND;
    const endS = (untilNs - segment.startAtNs) / NS_PER_SECOND;
    return {
      request,
      segment: segment.number,
      observedS: endS + LONG_AFTER_S,
      seconds: this.#secondsObserved(),
      recordedS,
      scheduled: this.#records,
      fired: this.#records,
      failed: this.#failed,
      droppedInFlightBound: 0,
      clauses: this.#tallies,
      exceedances: this.#listed(),
      exceedancesCut: 0,
      ttftMeanS: meanS(this.#ttft),
      e2eMeanS: meanS(this.#e2e),
      e2eSdS: undefined,
      validity: "valid",
      final: true,
      elapsedS: untilNs / NS_PER_SECOND + LONG_AFTER_S,
    };
  }

  #count(position: number, request: RecordedRequest, level: number): void {
    const tally = this.#tally(position);
    tally.total += 1;
    for (let j = 0; j < level; j += 1) tally.over[j] = (tally.over[j] ?? 0) + 1;
    if (level === 0) return;
    this.#exceedances.push({
      index: request.index,
      intendedAtNs: request.intendedMs * NS_PER_MS - this.#bounds.segment.recordFromNs,
      clause: position,
      level: level - 1,
    });
  }

  #tally(position: number): Tally {
    const tally = this.#tallies[position];
    if (tally === undefined) throw new RangeError("every clause has its tally");
    return tally;
  }

  #listed(): readonly Exceedance[] {
    const from = this.#tallies.map(({ total, over }) =>
      over.findIndex((count) => count < LISTED_FRACTION_MAX * total),
    );
    return this.#exceedances
      .filter(({ clause, level }) => {
        const lowest = from[clause] ?? -1;
        return lowest >= 0 && level >= lowest;
      })
      .sort((a, b) => a.intendedAtNs - b.intendedAtNs);
  }

  /** Files what is known of a request under the seconds of the window in which it happened. */
  #observe(request: RecordedRequest, atS: number): void {
    const { ttftMs, e2eMs, sendDelayMs, durationMs, outcome } = request;
    this.#second(atS).sent += 1;
    const endS = atS + ((sendDelayMs ?? 0) + (durationMs ?? 0)) / 1_000;
    const end = this.#second(endS);
    end.completed += 1;
    if (outcome === "ok") end.completedOk += 1;
    this.#second(atS).inFlightIntegralS += endS - atS;
    if (ttftMs !== null) {
      this.#second(atS + ttftMs / 1_000).firstTokens += 1;
      this.#ttft.count += 1;
      this.#ttft.sumMs += ttftMs;
    }
    if (e2eMs !== null && outcome === "ok") {
      this.#e2e.count += 1;
      this.#e2e.sumMs += e2eMs;
    }
  }

  #second(atS: number): SecondTally {
    const place = Math.max(0, Math.floor(atS));
    while (this.#seconds.length <= place) this.#seconds.push(newSecond());
    return this.#seconds[place] ?? newSecond();
  }

  #secondsObserved(): readonly SecondObserved[] {
    const { settleS } = this.#bounds.request;
    return this.#seconds.map((second, index) => ({
      fromS: settleS + index,
      toS: settleS + index + 1,
      scheduled: second.sent,
      ...second,
      waitingEnd: 0,
      inFlightEnd: 0,
      waitingIntegralS: 0,
    }));
  }
}

interface SecondTally {
  sent: number;
  firstTokens: number;
  completed: number;
  completedOk: number;
  inFlightIntegralS: number;
}

function newSecond(): SecondTally {
  return { sent: 0, firstTokens: 0, completed: 0, completedOk: 0, inFlightIntegralS: 0 };
}

function concerns({ className }: Clause, request: RecordedRequest): boolean {
  return className === undefined || className === request.class;
}

function meanS({ count, sumMs }: { count: number; sumMs: number }): number | undefined {
  return count === 0 ? undefined : sumMs / count / 1_000;
}
