import type { Metric } from "../measurement/metric.ts";
import type { Clause, ClauseMetric, ClauseThresholds, Slo } from "./slo.ts";

/** Queueing tails are log-linear, so crossings well below the limit tell of those beyond it (search/). */
const QUEUEING_FRACTIONS = [0.15, 0.2, 0.3, 0.4, 0.5, 0.65, 0.8, 1] as const;

/** A batching server's step times lie close together: only the neighbourhood of the limit tells anything. */
const STEP_FRACTIONS = [0.8, 0.9, 1, 1.1] as const;

const LIMIT_ONLY = [1] as const;

/** Where, as parts of the limit, crossings of each clause's metric are counted; ascending, 1 is always there. */
const FRACTIONS: Readonly<Record<ClauseMetric, readonly number[]>> = {
  ttft: QUEUEING_FRACTIONS,
  service_ttft: QUEUEING_FRACTIONS,
  e2e: QUEUEING_FRACTIONS,
  service_e2e: QUEUEING_FRACTIONS,
  itl: STEP_FRACTIONS,
  gap: STEP_FRACTIONS,
  max_gap: LIMIT_ONLY,
  output_tokens_per_second: LIMIT_ONLY,
};

/** What agents are to count, one entry a clause, in the SLO's order. */
export function thresholdTable(slo: Slo): readonly ClauseThresholds[] {
  return slo.map((clause, position) => ({
    clause: position,
    metric: clause.kind === "quantile" ? clause.metric : clause.kind,
    thresholds: thresholdsOf(clause),
    className: clause.className,
  }));
}

function thresholdsOf(clause: Clause): readonly number[] {
  if (clause.kind !== "quantile") return [];
  return FRACTIONS[clause.metric].map((fraction) => clause.limit * fraction);
}

/** Which of a clause's thresholds is its limit: `over[limitIndex]` counts the violations. */
export function limitIndex(thresholds: Pick<ClauseThresholds, "metric">): number {
  const { metric } = thresholds;
  if (metric === "error_rate" || metric === "goodput") return 0;
  return FRACTIONS[metric].indexOf(1);
}

/**
 * Whether `value` violates `limit`: a time is over when it is longer, a speed when it is slower. A value that equals
 * the limit meets it.
 */
export function isOver(metric: Metric, value: number, limit: number): boolean {
  return metric === "output_tokens_per_second" ? value < limit : value > limit;
}

/** The part of its requests (or gaps) that may violate a clause: 0.01 for p99, 0.001 for an error rate of 0.1 %. */
export function clauseFraction(clause: Clause): number {
  switch (clause.kind) {
    case "quantile":
      return complement(clause.quantile);
    case "error_rate":
      return clause.limitFraction;
    case "goodput":
      return complement(clause.limitFraction);
  }
}

/** 1 − fraction, without the binary dust that would make 1 % of 100 requests less than one. */
function complement(fraction: number): number {
  return Number((1 - fraction).toFixed(12));
}

/**
 * The shortest limit of a clause whose metric counts from the intended instant, ns: what the sender's own delays add
 * to, and are held against. Undefined without such a clause.
 */
export function tightestIntendedLimitNs(slo: Slo): number | undefined {
  return tightestLimit(slo, ["ttft", "e2e"]);
}

/** The shortest limit of a clause about pauses between tokens, ns. Undefined without such a clause. */
export function tightestGapLimitNs(slo: Slo): number | undefined {
  return tightestLimit(slo, ["gap", "max_gap"]);
}

/** The shortest limit of a request's mean gap, ns; undefined without one. */
export function tightestItlLimitNs(slo: Slo): number | undefined {
  return tightestLimit(slo, ["itl"]);
}

function tightestLimit(slo: Slo, metrics: readonly ClauseMetric[]): number | undefined {
  const limits = slo.flatMap((clause) =>
    clause.kind === "quantile" && metrics.includes(clause.metric) ? [clause.limit] : [],
  );
  return limits.length === 0 ? undefined : Math.min(...limits);
}
