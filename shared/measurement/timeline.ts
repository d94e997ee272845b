import { NS_PER_SECOND, NS_PER_US } from "../units.ts";
import type { Metric } from "./metric.ts";
import type { Outcome } from "./outcome.ts";
import type { RequestRecord } from "./report.ts";

/** Stands for an instant or a count that there is none of. A number, so that a recorder's fields keep one type. */
export const ABSENT = -1;

/**
 * The instants of one request that is over (docs/measurement.md). All are ns on one clock; ABSENT where the request
 * did not get so far. Single content events are not kept: their gaps are recorded as they come.
 */
export interface RequestTimeline {
  readonly intendedAtNs: number;
  readonly sentAtNs: number;
  readonly headersAtNs: number;
  readonly firstContentAtNs: number;
  /** First answer text, as opposed to reasoning or a tool call. */
  readonly firstAnswerAtNs: number;
  readonly lastContentAtNs: number;
  readonly endAtNs: number;
  readonly contentEvents: number;
  /** The largest time between two successive content events; ABSENT with fewer than two. */
  readonly gapMaxNs: number;
  /** The server's own count; ABSENT where it is silent. */
  readonly outputTokens: number;
  readonly inputTokens: number;
  readonly outcome: Outcome;
  /** HTTP status; ABSENT where no headers came. */
  readonly status: number;
}

/** Every metric that is one number per request; ns or tokens/s; undefined where the request has none. */
export type RequestMetrics = {
  readonly [Name in Exclude<Metric, "gap">]: number | undefined;
};

/** Tokens of the output: the server's count, or the content events where it is silent. */
export function outputTokensOf(
  timeline: Pick<RequestTimeline, "outputTokens" | "contentEvents">,
): number {
  return timeline.outputTokens === ABSENT ? timeline.contentEvents : timeline.outputTokens;
}

/**
 * The metrics of one request.
 *
 * A request that failed, or was still open at the drain bound, has those it reached: a send delay, a first token. What
 * only the end can tell (itl, max gap, end to end, speed) it has not.
 */
export function timelineMetrics(timeline: RequestTimeline): RequestMetrics {
  const { intendedAtNs, sentAtNs, firstContentAtNs, firstAnswerAtNs, gapMaxNs } = timeline;
  const isOk = timeline.outcome === "ok";
  const lastContentAtNs = isOk ? timeline.lastContentAtNs : ABSENT;
  const itlNs = isOk ? interTokenLatencyNs(timeline) : undefined;
  return {
    send_delay: between(intendedAtNs, sentAtNs),
    ttft: between(intendedAtNs, firstContentAtNs),
    service_ttft: between(sentAtNs, firstContentAtNs),
    answer_ttft: between(intendedAtNs, firstAnswerAtNs),
    itl: itlNs,
    max_gap: isOk && gapMaxNs !== ABSENT ? gapMaxNs : undefined,
    e2e: between(intendedAtNs, lastContentAtNs),
    service_e2e: between(sentAtNs, lastContentAtNs),
    output_tokens_per_second: itlNs === undefined ? undefined : speedOf(itlNs),
  };
}

/**
 * (last − first) / (outputTokens − 1): the mean time between tokens of one request, ns. Undefined with fewer than two
 * tokens; 0 where several tokens came in a single event.
 */
export function interTokenLatencyNs(
  timeline: Pick<
    RequestTimeline,
    "firstContentAtNs" | "lastContentAtNs" | "outputTokens" | "contentEvents"
  >,
): number | undefined {
  const outputTokens = outputTokensOf(timeline);
  const spanNs = between(timeline.firstContentAtNs, timeline.lastContentAtNs);
  return spanNs === undefined || outputTokens < 2 ? undefined : spanNs / (outputTokens - 1);
}

/** 1 / itl: the speed at which tokens come once they come. Undefined where they all came at once. */
function speedOf(itlNs: number): number | undefined {
  return itlNs === 0 ? undefined : NS_PER_SECOND / itlNs;
}

function between(fromNs: number, toNs: number): number | undefined {
  // A clock read of the same batch may put an event a hair before its cause; no latency is negative.
  return fromNs === ABSENT || toNs === ABSENT ? undefined : Math.max(0, toNs - fromNs);
}

/** The request as a compact record. @param place which arrival and class it was, and the run clock at the intended instant. */
export function toRequestRecord(
  timeline: RequestTimeline,
  place: {
    readonly index: number;
    readonly classIndex: number;
    /** Run clock. */
    readonly intendedAtRunNs: number;
  },
): RequestRecord {
  const metrics = timelineMetrics(timeline);
  return {
    index: place.index,
    classIndex: place.classIndex,
    intendedAtUs: Math.round(place.intendedAtRunNs / NS_PER_US),
    sendDelayUs: toUs(metrics.send_delay),
    ttftUs: toUs(metrics.ttft),
    gapMeanUs: toUs(gapMeanNs(timeline)),
    gapMaxUs: toUs(timeline.gapMaxNs === ABSENT ? undefined : timeline.gapMaxNs),
    e2eUs: toUs(metrics.e2e),
    durationUs: toUs(between(timeline.sentAtNs, timeline.endAtNs)),
    outputTokens: outputTokensOf(timeline),
    inputTokens: Math.max(0, timeline.inputTokens),
    contentEvents: timeline.contentEvents,
    outcome: timeline.outcome,
    status: Math.max(0, timeline.status),
  };
}

/** Over the content events that came, whether or not the request ended well. */
function gapMeanNs(timeline: RequestTimeline): number | undefined {
  const { contentEvents, firstContentAtNs, lastContentAtNs } = timeline;
  const spanNs = between(firstContentAtNs, lastContentAtNs);
  return spanNs === undefined || contentEvents < 2 ? undefined : spanNs / (contentEvents - 1);
}

function toUs(ns: number | undefined): number {
  return ns === undefined ? ABSENT : Math.round(ns / NS_PER_US);
}
