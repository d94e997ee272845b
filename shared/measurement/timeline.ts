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

/**
 * From the intended instant to `atNs` as it is judged and kept, ns: to a whole µs. Records hold whole µs; judging finer
 * would let a request be over a limit by what its record no longer tells, and nothing here is measured to less than a
 * µs. A clock read of the same batch may put an event a hair before its cause: no latency is negative.
 */
export function elapsedNs(
  { intendedAtNs }: Pick<RequestTimeline, "intendedAtNs">,
  atNs: number,
): number {
  return Math.max(0, Math.round((atNs - intendedAtNs) / NS_PER_US) * NS_PER_US);
}

/**
 * The µs in which an instant lies, as records keep it. Rounded down, so that an arrival is before or after a window's
 * bound by its record as it was by its instant.
 */
export function instantUs(atNs: number): number {
  return Math.floor(atNs / NS_PER_US);
}

/** Tokens of the output: the server's count, or the content events where it is silent. */
export function outputTokensOf(
  timeline: Pick<RequestTimeline, "outputTokens" | "contentEvents">,
): number {
  return timeline.outputTokens === ABSENT ? timeline.contentEvents : timeline.outputTokens;
}

/**
 * The metrics of one request, times to a whole µs.
 *
 * A request that failed, or was still open at the drain bound, has those it reached: a send delay, a first token. What
 * only the end can tell (itl, max gap, end to end, speed) it has not. An answer that ended well without content is
 * over at its end, and has no first token.
 */
export function timelineMetrics(timeline: RequestTimeline): RequestMetrics {
  const { firstContentAtNs, firstAnswerAtNs, lastContentAtNs, endAtNs, gapMaxNs } = timeline;
  const isOk = timeline.outcome === "ok";
  const send_delay = elapsedNs(timeline, timeline.sentAtNs);
  const ttft = reachedNs(timeline, firstContentAtNs);
  const e2e = isOk
    ? elapsedNs(timeline, lastContentAtNs === ABSENT ? endAtNs : lastContentAtNs)
    : undefined;
  const itlNs = isOk ? interTokenLatencyNs(timeline) : undefined;
  return {
    send_delay,
    ttft,
    service_ttft: ttft === undefined ? undefined : Math.max(0, ttft - send_delay),
    answer_ttft: reachedNs(timeline, firstAnswerAtNs),
    itl: itlNs,
    max_gap: isOk && gapMaxNs !== ABSENT ? gapMaxNs : undefined,
    e2e,
    service_e2e: e2e === undefined ? undefined : Math.max(0, e2e - send_delay),
    output_tokens_per_second: itlNs === undefined ? undefined : speedOf(itlNs),
  };
}

/**
 * (last − first) / (outputTokens − 1): the mean time between tokens of one request, ns. Undefined with fewer than two
 * tokens; 0 where several tokens came in a single event.
 */
export function interTokenLatencyNs(timeline: RequestTimeline): number | undefined {
  const spanNs = contentSpanNs(timeline);
  const further = outputTokensOf(timeline) - 1;
  return spanNs === undefined || further < 1 ? undefined : spanNs / further;
}

/** 1 / itl: the speed at which tokens come once they come. Undefined where they all came at once. */
function speedOf(itlNs: number): number | undefined {
  return itlNs === 0 ? undefined : NS_PER_SECOND / itlNs;
}

/** From the first content to the last, ns; undefined where none came. */
function contentSpanNs(timeline: RequestTimeline): number | undefined {
  const first = reachedNs(timeline, timeline.firstContentAtNs);
  const last = reachedNs(timeline, timeline.lastContentAtNs);
  return first === undefined || last === undefined ? undefined : last - first;
}

/** As `elapsedNs`; undefined for what never happened. */
function reachedNs(timeline: RequestTimeline, atNs: number): number | undefined {
  return atNs === ABSENT ? undefined : elapsedNs(timeline, atNs);
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
  const { endAtNs, gapMaxNs } = timeline;
  const sendDelayNs = elapsedNs(timeline, timeline.sentAtNs);
  return {
    index: place.index,
    classIndex: place.classIndex,
    intendedAtUs: instantUs(place.intendedAtRunNs),
    sendDelayUs: sendDelayNs / NS_PER_US,
    ttftUs: toUs(reachedNs(timeline, timeline.firstContentAtNs)),
    gapMeanUs: toUs(gapMeanNs(timeline)),
    gapMaxUs: toUs(gapMaxNs === ABSENT ? undefined : gapMaxNs),
    e2eUs: toUs(reachedNs(timeline, timeline.lastContentAtNs)),
    durationUs: (elapsedNs(timeline, endAtNs) - sendDelayNs) / NS_PER_US,
    outputTokens: outputTokensOf(timeline),
    inputTokens: Math.max(0, timeline.inputTokens),
    contentEvents: timeline.contentEvents,
    outcome: timeline.outcome,
    status: Math.max(0, timeline.status),
  };
}

/** Over the content events that came, whether or not the request ended well. */
function gapMeanNs(timeline: RequestTimeline): number | undefined {
  const spanNs = contentSpanNs(timeline);
  const gaps = timeline.contentEvents - 1;
  return spanNs === undefined || gaps < 1 ? undefined : spanNs / gaps;
}

function toUs(ns: number | undefined): number {
  return ns === undefined ? ABSENT : Math.round(ns / NS_PER_US);
}
