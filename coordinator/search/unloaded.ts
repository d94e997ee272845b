import { binomialTail } from "./binomial.ts";
import { countsOf } from "./one-rate-verdict.ts";
import { errorBurstOf } from "./overload.ts";
import type { SearchOptions, SegmentRequest, WindowObserved } from "./procedure.ts";

/** What the service does without load, mean s. */
export interface Unloaded {
  readonly firstTokenS: number;
  readonly endToEndS: number;
}

/** What a window of one request at a time says so far. */
export type UnloadedSight =
  | { readonly kind: "unknown" }
  | { readonly kind: "known"; readonly unloaded: Unloaded }
  | { readonly kind: "hopeless"; readonly reason: string }
  /** The generator sent nothing, so it says nothing of the target: the window is to be repeated. */
  | { readonly kind: "void" }
  /** It was repeated for as long as the budget allows. */
  | { readonly kind: "inconclusive"; readonly reason: string };

/** At a budget of 300 s; others scale it, and nothing shorter than an interval can be seen. */
const WANTED_S = 5;
const BUDGET_S = 300;
const SCALE_MAX = 2;
const WANTED_MIN_S = 1;
const REQUESTS_WANTED = 100;
const REQUESTS_MIN = 5;
/** Bad requests of an unloaded service below which a slow start is as good a reason. */
const OVER_MIN = 4;
const ALPHA = 0.005;
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

function calibrateS({ timeBudgetS }: SearchOptions): { wantedS: number; longestS: number } {
  const scale = Math.min(SCALE_MAX, timeBudgetS / BUDGET_S);
  const wantedS = Math.max(WANTED_MIN_S, WANTED_S * scale);
  return { wantedS, longestS: Math.max(wantedS, timeBudgetS / 5) };
}

/** What the unloaded service does, once enough was seen; or why no rate can meet the SLO. */
export function unloadedOf(options: SearchOptions, window: WindowObserved): UnloadedSight {
  const reason = hopelessReason(options, window);
  if (reason !== undefined) return { kind: "hopeless", reason };
  const { ttftMeanS, e2eMeanS, recordedS, fired } = window;
  const { wantedS, longestS } = calibrateS(options);
  const longestOver = recordedS >= longestS - 1e-6;
  if (ttftMeanS === undefined || e2eMeanS === undefined) return unanswered(options, window);
  // Enough: the wanted time with a few requests, or many requests sooner.
  const enough = (recordedS >= wantedS && fired > REQUESTS_MIN) || fired >= REQUESTS_WANTED;
  if (!enough && !longestOver) return { kind: "unknown" };
  return {
    kind: "known",
    unloaded: { firstTokenS: Math.min(ttftMeanS, e2eMeanS), endToEndS: e2eMeanS },
  };
}

/** The rate a ramp starts from: what one request at a time gives, more when answers are streamed. */
export function firstRate(options: SearchOptions, { firstTokenS, endToEndS }: Unloaded): number {
  const streams = endToEndS > STREAMED_RATIO * firstTokenS ? STREAMED_CONCURRENCY : 1;
  const rate = Math.max(streams / Math.max(endToEndS, 1e-4), options.rateMinPerSecond ?? 0);
  return Math.min(rate, options.rateMaxPerSecond ?? Infinity);
}

function hopelessReason(options: SearchOptions, window: WindowObserved): string | undefined {
  const burst = errorBurstOf(window.seconds);
  if (burst !== undefined) {
    return `the target answers one request at a time with errors: ${burst}`;
  }
  for (const counts of countsOf(options.slo, options.thresholds, window)) {
    const total = counts.tally.decided[counts.limitIndex] ?? 0;
    const over = counts.tally.over[counts.limitIndex] ?? 0;
    // Nothing queues here, so requests count as independent and plain counting may speak.
    if (over >= OVER_MIN && binomialTail(over, total, counts.allowedFraction) <= ALPHA) {
      return `the unloaded service misses the SLO: ${counts.clause.text}, with one request at a time ${over} of ${Math.round(total)} are over`;
    }
  }
  return undefined;
}

/** Nothing ended yet: the generator's doing, the target's, or to be waited for. */
function unanswered(options: SearchOptions, window: WindowObserved): UnloadedSight {
  const { wantedS, longestS } = calibrateS(options);
  const { validity, recordedS } = window;
  if (validity === "invalid" && recordedS >= wantedS) return voidOf(options, window);
  return recordedS >= longestS - 1e-6
    ? { kind: "hopeless", reason: unansweredReason(window) }
    : { kind: "unknown" };
}

/** Part of the budget after which nothing is repeated that had to come first. */
const REPEAT_BUDGET_FRACTION = 0.5;

function voidOf({ timeBudgetS }: SearchOptions, { elapsedS }: WindowObserved): UnloadedSight {
  if (elapsedS < REPEAT_BUDGET_FRACTION * timeBudgetS) return { kind: "void" };
  const reason = "the load generator did not get one request at a time to the target";
  return { kind: "inconclusive", reason };
}

function unansweredReason({ failed, recordedS }: WindowObserved): string {
  return failed > 0
    ? `the target answers with errors: all of ${failed} requests, sent one at a time, failed`
    : `the target finished no request within ${Math.round(recordedS)} s, sent one at a time`;
}
