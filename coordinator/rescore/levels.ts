import type { Outcome } from "../../shared/measurement/outcome.ts";
import type { Clause, ClauseMetric } from "../../shared/slo/slo.ts";
import { isOver } from "../../shared/slo/thresholds.ts";
import { NS_PER_MS, NS_PER_SECOND, NS_PER_US } from "../../shared/units.ts";

/** What the record of one request tells. Times in ms, null where there is none. */
export interface RecordedRequest {
  readonly index: number;
  readonly segment: number;
  /** On the run's clock. */
  readonly intendedMs: number;
  readonly sendDelayMs: number | null;
  /** From the intended instant. */
  readonly ttftMs: number | null;
  readonly maxGapMs: number | null;
  /** To the last content event, from the intended instant. */
  readonly e2eMs: number | null;
  /** From the sent instant to the end, whatever came of it. */
  readonly durationMs: number | null;
  readonly outputTokens: number;
  readonly outcome: Outcome;
  /** The class's name, or its place in the plan. */
  readonly class: string | number;
}

/**
 * How many of a quantile clause's thresholds (ns, or tokens/s; ascending) a request exceeds, as agents count it: a
 * failure exceeds whatever it was not decided on, and a censored request its age. Undefined for one that the clause is not about.
 */
export function levelOf(
  request: RecordedRequest,
  clause: Extract<Clause, { kind: "quantile" }>,
  thresholds: readonly number[],
): number | undefined {
  const { metric } = clause;
  const value = valueOf(request, metric);
  if (isFailure(request) && !(isFirstToken(metric) && request.ttftMs !== null)) {
    return thresholds.length;
  }
  if (value === undefined) return metric === "itl" ? undefined : 0;
  return thresholds.filter((threshold) => isOver(metric, value, threshold)).length;
}

/** It ended badly; a censored request only had not ended when the wait for it did. */
export function isFailure({ outcome }: RecordedRequest): boolean {
  return outcome !== "ok" && outcome !== "censored";
}

function isFirstToken(metric: ClauseMetric): boolean {
  return metric === "ttft" || metric === "service_ttft";
}

/** ns, or tokens/s; at least so much where the request was censored. */
function valueOf(request: RecordedRequest, metric: ClauseMetric): number | undefined {
  const delayNs = wholeNs(request.sendDelayMs);
  const ttftNs = request.ttftMs === null ? ageNs(request) : wholeNs(request.ttftMs);
  switch (metric) {
    case "ttft":
      return ttftNs;
    case "service_ttft":
      return ttftNs - delayNs;
    case "e2e":
      return endNs(request);
    case "service_e2e":
      return endNs(request) - delayNs;
    case "itl":
      return itlNs(request);
    case "max_gap":
      return Math.max(wholeNs(request.maxGapMs), silenceNs(request));
    case "output_tokens_per_second": {
      const itl = itlNs(request);
      return itl === undefined ? undefined : NS_PER_SECOND / Math.max(itl, 1);
    }
    case "gap":
      return undefined;
  }
}

/** A record's time, which is of whole µs, as the agent had it: free of what a decimal fraction of a ms leaves behind. */
function wholeNs(ms: number | null): number {
  return Math.round(((ms ?? 0) * NS_PER_MS) / NS_PER_US) * NS_PER_US;
}

/** From the intended instant to the end. */
function ageNs({ sendDelayMs, durationMs }: RecordedRequest): number {
  return wholeNs(sendDelayMs) + wholeNs(durationMs);
}

function endNs(request: RecordedRequest): number {
  const isOver = request.outcome !== "censored" && request.e2eMs !== null;
  return isOver ? wholeNs(request.e2eMs) : ageNs(request);
}

/** How long a censored stream had been silent. */
function silenceNs(request: RecordedRequest): number {
  if (request.outcome !== "censored" || request.e2eMs === null) return 0;
  return ageNs(request) - wholeNs(request.e2eMs);
}

/** Mean time a token after the first, of a request that ended well. */
function itlNs({ outcome, ttftMs, e2eMs, outputTokens }: RecordedRequest): number | undefined {
  if (outcome !== "ok" || ttftMs === null || e2eMs === null || outputTokens < 2) return undefined;
  return (wholeNs(e2eMs) - wholeNs(ttftMs)) / (outputTokens - 1);
}
