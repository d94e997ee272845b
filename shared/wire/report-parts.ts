import type { MessageInitShape } from "@bufbuild/protobuf";
import { LoadError } from "../errors.ts";
import type { Counters } from "../measurement/counters.ts";
import type { Histogram } from "../measurement/histogram.ts";
import { decodeHistogram, encodeHistogram } from "../measurement/hdr-v2.ts";
import type { Activity } from "../measurement/interval.ts";
import type {
  Activity as ActivityMessage,
  ActivitySchema,
  Counters as CountersMessage,
  CountersSchema,
  MetricHistogram as HistogramMessage,
  MetricHistogramSchema,
} from "./gen/loadline/v1/report_pb.ts";
import { amountOf, countOf, malformed } from "./report-bounds.ts";

/** HTTP statuses are three digits; so no more than 900 of them can be told apart. */
const STATUS_MIN = 100;
const STATUS_MAX = 999;

/** Fields of Counters that are plain counts, by the name they have on both sides. */
const COUNTS = [
  "scheduled",
  "fired",
  "droppedInFlightBound",
  "droppedSocket",
  "droppedPolicy",
  "notOfferedSuperseded",
  "notOfferedAborted",
  "ok",
  "connectErrors",
  "streamErrors",
  "timeouts",
  "censored",
] as const;

export function countersToMessage(counters: Counters): MessageInitShape<typeof CountersSchema> {
  const httpErrors: Record<number, bigint> = {};
  for (const [status, count] of counters.httpErrors) httpErrors[status] = BigInt(count);
  const counts = Object.fromEntries(COUNTS.map((name) => [name, BigInt(counters[name])]));
  return { ...counts, httpErrors };
}

export function countersFromMessage(message: CountersMessage): Counters {
  const httpErrors = new Map<number, number>();
  for (const [key, count] of Object.entries(message.httpErrors)) {
    const status = Number(key);
    if (status < STATUS_MIN || status > STATUS_MAX) {
      throw malformed(`http_errors counts status ${key}`);
    }
    httpErrors.set(status, countOf(count, "http_errors"));
  }
  return {
    scheduled: countOf(message.scheduled, "scheduled"),
    fired: countOf(message.fired, "fired"),
    droppedInFlightBound: countOf(message.droppedInFlightBound, "dropped_in_flight_bound"),
    droppedSocket: countOf(message.droppedSocket, "dropped_socket"),
    droppedPolicy: countOf(message.droppedPolicy, "dropped_policy"),
    notOfferedSuperseded: countOf(message.notOfferedSuperseded, "not_offered_superseded"),
    notOfferedAborted: countOf(message.notOfferedAborted, "not_offered_aborted"),
    ok: countOf(message.ok, "ok"),
    httpErrors,
    connectErrors: countOf(message.connectErrors, "connect_errors"),
    streamErrors: countOf(message.streamErrors, "stream_errors"),
    timeouts: countOf(message.timeouts, "timeouts"),
    censored: countOf(message.censored, "censored"),
  };
}

export function activityToMessage(activity: Activity): MessageInitShape<typeof ActivitySchema> {
  return {
    sent: BigInt(activity.sent),
    firstTokens: BigInt(activity.firstTokens),
    completed: BigInt(activity.completed),
    completedOk: BigInt(activity.completedOk),
    outputTokens: BigInt(activity.outputTokens),
    inputTokens: BigInt(activity.inputTokens),
    contentEvents: BigInt(activity.contentEvents),
    bytesRead: BigInt(activity.bytesRead),
    inFlightIntegralS: notBelowZero(activity.inFlightIntegralS),
    waitingIntegralS: notBelowZero(activity.waitingIntegralS),
    inFlightMax: activity.inFlightMax,
    inFlightEnd: activity.inFlightEnd,
    waitingEnd: activity.waitingEnd,
    ownConnectErrors: BigInt(activity.ownConnectErrors),
    lengthsOff: BigInt(activity.lengthsOff),
  };
}

export function activityFromMessage(message: ActivityMessage): Activity {
  return {
    sent: countOf(message.sent, "sent"),
    firstTokens: countOf(message.firstTokens, "first_tokens"),
    completed: countOf(message.completed, "completed"),
    completedOk: countOf(message.completedOk, "completed_ok"),
    outputTokens: countOf(message.outputTokens, "output_tokens"),
    inputTokens: countOf(message.inputTokens, "input_tokens"),
    contentEvents: countOf(message.contentEvents, "content_events"),
    bytesRead: countOf(message.bytesRead, "bytes_read"),
    inFlightIntegralS: amountOf(message.inFlightIntegralS, "in_flight_integral_s"),
    waitingIntegralS: amountOf(message.waitingIntegralS, "waiting_integral_s"),
    inFlightMax: message.inFlightMax,
    inFlightEnd: message.inFlightEnd,
    waitingEnd: message.waitingEnd,
    ownConnectErrors: countOf(message.ownConnectErrors, "own_connect_errors"),
    lengthsOff: countOf(message.lengthsOff, "lengths_off"),
  };
}

/** Differences of doubles may come out a hair below zero; a decoder would refuse them. */
export function notBelowZero(amount: number): number {
  return Math.max(0, amount);
}

/** An empty histogram travels with zeros for min and max. */
export function histogramToMessage(
  metric: string,
  histogram: Histogram,
): MessageInitShape<typeof MetricHistogramSchema> {
  const { isEmpty, sum, overflow } = histogram;
  return {
    metric,
    hdrV2: encodeHistogram(histogram),
    min: isEmpty ? 0 : histogram.min,
    max: isEmpty ? 0 : histogram.max,
    sum,
    overflow: BigInt(overflow),
  };
}

/** @throws LoadError LL_REPORT_MALFORMED with the histogram's own error as its cause. */
export function histogramFromMessage(message: HistogramMessage, unitsPerTick: number): Histogram {
  const { min, max, sum } = message;
  const exact = { min, max, sum, overflow: countOf(message.overflow, "overflow") };
  try {
    return decodeHistogram(message.hdrV2, { unitsPerTick, exact });
  } catch (cause) {
    if (cause instanceof LoadError) throw malformed(cause.message, cause);
    throw cause;
  }
}
