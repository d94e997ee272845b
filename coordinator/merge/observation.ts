import { addCounters, failedCount, zeroCounters } from "../../shared/measurement/counters.ts";
import type { ClauseCount, Exceedance } from "../../shared/measurement/interval.ts";
import type { Segment } from "../../shared/segment/segment.ts";
import { NS_PER_SECOND } from "../../shared/units.ts";
import type { SecondObserved, SegmentRequest, WindowObserved } from "../search/procedure.ts";
import {
  addClauseCounts,
  type MergedInterval,
  openOf,
  type SegmentMerge,
} from "./segment-merge.ts";

export interface ObservationInput {
  readonly request: SegmentRequest;
  readonly segment: Segment;
  readonly merge: SegmentMerge;
  /** How many counts each clause has, so that an empty window has them too. */
  readonly thresholdCounts: readonly number[];
  /** Run clock, ns: everything before it is merged from every agent. */
  readonly sealedUntilNs: number;
  readonly firstStartAtNs: number;
  /** Run clock, ns: when the next segment took over; Infinity while this is the current one. */
  readonly supersededAtNs?: number;
  readonly validity: WindowObserved["validity"];
  /** Requests of the window that will never end, since their agent was lost. */
  readonly lostOpen?: number;
}

/** What a procedure is told of a segment: only what every agent has sealed. */
export function observe(input: ObservationInput): WindowObserved {
  const { request, segment, merge, sealedUntilNs, firstStartAtNs, validity } = input;
  const { supersededAtNs = Infinity } = input;
  const intervals = merge.intervals().filter((interval) => interval.toNs <= sealedUntilNs);
  const recorded = intervals.filter((interval) => interval.recorded);
  const counters = recorded.reduce(
    (sum, interval) => addCounters(sum, interval.counters),
    zeroCounters(),
  );
  const recordedUntilNs = Math.min(sealedUntilNs, supersededAtNs, segment.recordUntilNs);
  // A cool-down that was asked for is part of the segment; the load behind a probe's window is not waited for.
  const overNs = segment.recordUntilNs + Math.round((request.holdS ?? 0) * NS_PER_SECOND);
  return {
    request,
    segment: segment.number,
    observedS: Math.max(0, sealedUntilNs - segment.startAtNs) / NS_PER_SECOND,
    seconds: intervals.map((interval) => secondOf(interval, segment)),
    recordedS: Math.max(0, recordedUntilNs - segment.recordFromNs) / NS_PER_SECOND,
    scheduled: counters.scheduled,
    fired: counters.fired,
    failed: failedCount(counters),
    droppedInFlightBound: counters.droppedInFlightBound,
    clauses: input.thresholdCounts.map((count, position) =>
      recorded.reduce<ClauseCount>(
        (sum, interval) => addClauseCounts(sum, interval.clauses[position]),
        {
          total: 0,
          over: new Array<number>(count).fill(0),
        },
      ),
    ),
    exceedances: highestExceedances(recorded, segment.recordFromNs),
    exceedancesCut: recorded.reduce((sum, interval) => sum + interval.exceedancesCut, 0),
    ttftMeanS: meanS(merge, "ttft"),
    e2eMeanS: meanS(merge, "e2e"),
    e2eSdS: sdS(merge, "e2e"),
    validity,
    final:
      sealedUntilNs >= Math.min(overNs, supersededAtNs) &&
      openOf(counters) <= (input.lostOpen ?? 0),
    elapsedS: Math.max(0, sealedUntilNs - firstStartAtNs) / NS_PER_SECOND,
  };
}

function secondOf(interval: MergedInterval, segment: Segment): SecondObserved {
  const { activity } = interval;
  return {
    fromS: (interval.fromNs - segment.startAtNs) / NS_PER_SECOND,
    toS: (interval.toNs - segment.startAtNs) / NS_PER_SECOND,
    scheduled: interval.counters.scheduled,
    sent: activity.sent,
    firstTokens: activity.firstTokens,
    completed: activity.completed,
    completedOk: activity.completedOk,
    waitingEnd: activity.waitingEnd,
    inFlightEnd: activity.inFlightEnd,
    waitingIntegralS: activity.waitingIntegralS,
    inFlightIntegralS: activity.inFlightIntegralS,
  };
}

/** A request that crossed several thresholds was told of each time: the highest one counts. */
function highestExceedances(
  recorded: readonly MergedInterval[],
  recordFromNs: number,
): readonly Exceedance[] {
  const highest = new Map<string, Exceedance>();
  for (const each of recorded.flatMap((interval) => interval.exceedances)) {
    // Closed modes number each agent's requests from nought, so the instant is part of the name.
    const key = `${each.clause}/${each.index}/${each.intendedAtNs}`;
    const known = highest.get(key);
    if (known === undefined || each.level > known.level) highest.set(key, each);
  }
  return [...highest.values()]
    .map((each) => ({ ...each, intendedAtNs: each.intendedAtNs - recordFromNs }))
    .sort((a, b) => a.intendedAtNs - b.intendedAtNs);
}

/** Over every class; undefined without a sample. */
function meanS(merge: SegmentMerge, metric: "ttft" | "e2e"): number | undefined {
  let sum = 0;
  let count = 0;
  for (const metrics of merge.classes.values()) {
    const histogram = metrics.get(metric);
    if (histogram === undefined) continue;
    sum += histogram.sum;
    count += histogram.count;
  }
  return count === 0 ? undefined : sum / count / NS_PER_SECOND;
}

/** Pooled over the classes, about the common mean. */
function sdS(merge: SegmentMerge, metric: "ttft" | "e2e"): number | undefined {
  const mean = meanS(merge, metric);
  if (mean === undefined) return undefined;
  let squares = 0;
  let count = 0;
  for (const metrics of merge.classes.values()) {
    const histogram = metrics.get(metric);
    if (histogram === undefined || histogram.isEmpty) continue;
    const ownMean = histogram.sum / histogram.count / NS_PER_SECOND;
    const ownSd = histogram.standardDeviation / NS_PER_SECOND;
    squares += histogram.count * (ownSd ** 2 + (ownMean - mean) ** 2);
    count += histogram.count;
  }
  return count === 0 ? undefined : Math.sqrt(squares / count);
}
