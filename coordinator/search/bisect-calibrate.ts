import { binomialTail } from "./binomial.ts";
import { endWith, goOn, rampTo, type BisectStep, type Move } from "./bisect-moves.ts";
import { calibrateS } from "./bisect-timing.ts";
import { countsOf } from "./one-rate-verdict.ts";
import { errorBurstOf } from "./overload.ts";
import type { SearchOptions, SegmentRequest } from "./procedure.ts";

const REQUESTS_WANTED = 100;
const REQUESTS_MIN = 5;
/** Bad requests of an unloaded service below which a slow start is as good a reason. */
const OVER_MIN = 4;
const ALPHA = 0.005;
const RATE_MIN = 0.2;
/** An answer this much longer than its first token is streamed: several fit side by side. */
const STREAMED_RATIO = 3;
const STREAMED_CONCURRENCY = 4;

/** One request at a time, the first of them unrecorded: connections and caches are cold. */
export function calibrateRequest(options: SearchOptions): SegmentRequest {
  const { wantedS, longestS } = calibrateS(options);
  return {
    purpose: "calibrate",
    mode: { kind: "serial" },
    settleS: wantedS / 5,
    recordS: longestS,
    requestsMax: 0,
  };
}

/** What the unloaded service does; the ramp starts from it, or the search is hopeless. */
export function onCalibrate(move: Move): BisectStep {
  const { options, state, observation } = move;
  const reason = hopelessReason(move);
  if (reason !== undefined) return endWith(move, { kind: "hopeless", reason });

  const { ttftMeanS, e2eMeanS, recordedS } = observation;
  const longestOver = recordedS >= calibrateS(options).longestS - 1e-6;
  if (ttftMeanS === undefined || e2eMeanS === undefined) {
    if (!longestOver) return goOn(state);
    return endWith(move, { kind: "hopeless", reason: unansweredReason(move) });
  }
  if (!isCalibrated(move) && !longestOver) return goOn(state);
  const unloaded = { firstTokenS: Math.min(ttftMeanS, e2eMeanS), endToEndS: e2eMeanS };
  const calibrated = { ...state, unloaded, loadedS: unloaded.endToEndS };
  return rampTo({ ...move, state: calibrated }, firstRate(options, unloaded));
}

/** Enough was seen: the wanted time with a few requests, or many requests sooner. */
function isCalibrated({ options, observation }: Move): boolean {
  const { recordedS, fired } = observation;
  const { wantedS } = calibrateS(options);
  return (recordedS >= wantedS && fired > REQUESTS_MIN) || fired >= REQUESTS_WANTED;
}

function firstRate(
  options: SearchOptions,
  { firstTokenS, endToEndS }: { firstTokenS: number; endToEndS: number },
): number {
  const streams = endToEndS > STREAMED_RATIO * firstTokenS ? STREAMED_CONCURRENCY : 1;
  const rate = Math.max(
    RATE_MIN,
    streams / Math.max(endToEndS, 1e-4),
    options.rateMinPerSecond ?? 0,
  );
  return Math.min(rate, options.rateMaxPerSecond ?? Infinity);
}

function hopelessReason({ options, observation }: Move): string | undefined {
  const burst = errorBurstOf(observation.seconds);
  if (burst !== undefined) {
    return `the target answers one request at a time with errors: ${burst}`;
  }
  for (const counts of countsOf(options.slo, options.thresholds, observation)) {
    const total = counts.tally.decided[counts.limitIndex] ?? 0;
    const over = counts.tally.over[counts.limitIndex] ?? 0;
    // Nothing queues here, so requests count as independent and plain counting may speak.
    if (over >= OVER_MIN && binomialTail(over, total, counts.allowedFraction) <= ALPHA) {
      return `the unloaded service misses the SLO: ${counts.clause.text}, with one request at a time ${over} of ${Math.round(total)} are over`;
    }
  }
  return undefined;
}

function unansweredReason({ observation }: Move): string {
  const { failed, recordedS } = observation;
  return failed > 0
    ? `the target answers with errors: all of ${failed} requests, sent one at a time, failed`
    : `the target finished no request within ${Math.round(recordedS)} s, sent one at a time`;
}
