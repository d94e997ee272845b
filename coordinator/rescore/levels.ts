import type { Outcome } from "../../shared/measurement/outcome.ts";
import type { Clause, ClauseMetric } from "../../shared/slo/slo.ts";
import { isOver } from "../../shared/slo/thresholds.ts";
import { NS_PER_MS } from "../../shared/units.ts";

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
  const inUnit = metric === "output_tokens_per_second" ? value : value * NS_PER_MS;
  return thresholds.filter((threshold) => isOver(metric, inUnit, threshold)).length;
}

/** It ended badly; a censored request only had not ended when the wait for it did. */
export function isFailure({ outcome }: RecordedRequest): boolean {
  return outcome !== "ok" && outcome !== "censored";
}

function isFirstToken(metric: ClauseMetric): boolean {
  return metric === "ttft" || metric === "service_ttft";
}

/** ms, or tokens/s; at least so much where the request was censored. */
function valueOf(request: RecordedRequest, metric: ClauseMetric): number | undefined {
  const { ttftMs, maxGapMs } = request;
  const delayMs = request.sendDelayMs ?? 0;
  switch (metric) {
    case "ttft":
      return ttftMs ?? ageMs(request);
    case "service_ttft":
      return (ttftMs ?? ageMs(request)) - delayMs;
    case "e2e":
      return endMs(request);
    case "service_e2e":
      return endMs(request) - delayMs;
    case "itl":
      return itlMs(request);
    case "max_gap":
      return Math.max(maxGapMs ?? 0, silenceMs(request));
    case "output_tokens_per_second": {
      const itl = itlMs(request);
      return itl === undefined ? undefined : 1_000 / Math.max(itl, 1e-6);
    }
    case "gap":
      return undefined;
  }
}

/** From the intended instant to the end. */
function ageMs({ sendDelayMs, durationMs }: RecordedRequest): number {
  return (sendDelayMs ?? 0) + (durationMs ?? 0);
}

function endMs(request: RecordedRequest): number {
  return request.outcome === "censored" || request.e2eMs === null ? ageMs(request) : request.e2eMs;
}

/** How long a censored stream had been silent. */
function silenceMs(request: RecordedRequest): number {
  if (request.outcome !== "censored" || request.e2eMs === null) return 0;
  return ageMs(request) - request.e2eMs;
}

/** Mean time a token after the first, of a request that ended well. */
function itlMs({ outcome, ttftMs, e2eMs, outputTokens }: RecordedRequest): number | undefined {
  if (outcome !== "ok" || ttftMs === null || e2eMs === null || outputTokens < 2) return undefined;
  return (e2eMs - ttftMs) / (outputTokens - 1);
}
