import { assert } from "../assert.ts";
import { type Histogram, rankOfQuantile } from "./histogram.ts";
import { isTimeMetric, type Metric } from "./metric.ts";

export const SUMMARY_QUANTILES = {
  p50: 0.5,
  p75: 0.75,
  p90: 0.9,
  p95: 0.95,
  p99: 0.99,
  p99_9: 0.999,
} as const;
export type SummaryQuantile = keyof typeof SUMMARY_QUANTILES;

/** A quantile, or how many samples it would take; in the metric's unit. */
export type QuantileEstimate =
  | { readonly value: number; readonly samplesNeeded: undefined }
  | { readonly value: undefined; readonly samplesNeeded: number };

/** A distribution in short, in the metric's unit. All but `count` and the quantiles are undefined without a sample. */
export interface Statistics {
  readonly count: number;
  readonly min: number | undefined;
  readonly max: number | undefined;
  readonly mean: number | undefined;
  readonly standardDeviation: number | undefined;
  readonly quantiles: Readonly<Record<SummaryQuantile, QuantileEstimate>>;
}

/** How sure one must be that the quantile lies below the second largest sample. */
const CONFIDENCE = 0.99;

/**
 * How many samples a quantile needs before it is printed as a number: the least n for which the second largest of n
 * samples is above the true quantile with 99 % confidence,
 *
 *     P[Binomial(n, 1 − q) ≤ 1] = qⁿ + n (1 − q) qⁿ⁻¹ ≤ 0.01
 *
 * so p50 11, p75 24, p90 64, p95 130, p99 662, p99.9 6,636. With fewer, a sample's quantile is the largest or second
 * largest value by and large, and says nothing of the tail it is named after.
 *
 * @param q above 0 and below 1; for a quantile of the slow side of a speed, that of the fast.
 * @see MLPerf Inference rules, appendix "Early Stopping Criterion", with one query allowed over and no tolerance.
 */
export function samplesNeeded(q: number): number {
  assert(q > 0 && q < 1, "a quantile that needs samples is between 0 and 1");
  // Falls from 1 as n grows; the root is found by doubling, then halving.
  let high = 2;
  while (tailProbability(q, high) > 1 - CONFIDENCE) high *= 2;
  let low = high / 2;
  while (high - low > 1) {
    const middle = Math.floor((low + high) / 2);
    if (tailProbability(q, middle) > 1 - CONFIDENCE) low = middle;
    else high = middle;
  }
  return high;
}

/** P[Binomial(n, 1 − q) ≤ 1]. */
function tailProbability(q: number, n: number): number {
  return q ** (n - 1) * (q + n * (1 - q));
}

/**
 * The summary of a histogram. Of a speed, p99 is its slow side: 99 % of the requests are at least that fast.
 */
export function summarize(histogram: Histogram, metric: Metric): Statistics {
  const { count, isEmpty } = histogram;
  return {
    count,
    min: isEmpty ? undefined : histogram.min,
    max: isEmpty ? undefined : histogram.max,
    mean: isEmpty ? undefined : histogram.mean,
    standardDeviation: isEmpty ? undefined : histogram.standardDeviation,
    quantiles: {
      p50: quantileOf(histogram, metric, SUMMARY_QUANTILES.p50),
      p75: quantileOf(histogram, metric, SUMMARY_QUANTILES.p75),
      p90: quantileOf(histogram, metric, SUMMARY_QUANTILES.p90),
      p95: quantileOf(histogram, metric, SUMMARY_QUANTILES.p95),
      p99: quantileOf(histogram, metric, SUMMARY_QUANTILES.p99),
      p99_9: quantileOf(histogram, metric, SUMMARY_QUANTILES.p99_9),
    },
  };
}

/** One quantile, or how many samples it needs; of a speed, counted from its slow side. @param q between 0 and 1. */
export function quantileOf(histogram: Histogram, metric: Metric, q: number): QuantileEstimate {
  const needed = samplesNeeded(q);
  if (histogram.count < needed) return { value: undefined, samplesNeeded: needed };
  const rank = rankOfQuantile(q, histogram.count);
  // The mirrored rank, so that at most the same number of requests lie beyond it as with a time.
  const ascending = isTimeMetric(metric) ? rank : histogram.count - rank + 1;
  return { value: histogram.valueAtRank(ascending), samplesNeeded: undefined };
}
