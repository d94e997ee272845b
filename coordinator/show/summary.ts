import type { Histogram } from "../../shared/measurement/histogram.ts";
import type { Metric } from "../../shared/measurement/metric.ts";
import { summarize } from "../../shared/measurement/statistics.ts";
import type { Quantile, Summary } from "./result.ts";

const QUANTILES = [
  "p50",
  "p75",
  "p90",
  "p95",
  "p99",
  "p99_9",
] as const satisfies readonly Quantile[];

/** Nothing was measured. */
export const EMPTY_SUMMARY: Summary = {
  count: 0,
  min: null,
  max: null,
  mean: null,
  sd: null,
  p50: null,
  p75: null,
  p90: null,
  p95: null,
  p99: null,
  p99_9: null,
};

/**
 * A merged histogram as result.json tells it. What counts as enough samples is statistics.ts' to say.
 *
 * @param options.unitsPerValue what one unit of the histogram is worth in the summary's unit: 1e-6 from ns to ms.
 * @param options.slowSideIsLow for speeds: p99 is then the value that 1 % stay *below*.
 */
export function summarise(
  histogram: Histogram,
  options: { unitsPerValue: number; slowSideIsLow?: boolean },
): Summary {
  if (histogram.isEmpty) return EMPTY_SUMMARY;
  // Delays that are no metric (of the event loop) are summarised as any other time is.
  const like: Metric = options.slowSideIsLow === true ? "output_tokens_per_second" : "ttft";
  const statistics = summarize(histogram, like);
  const scaled = (value: number | undefined): number | null =>
    value === undefined ? null : roundTo(value * options.unitsPerValue);

  const quantiles: Partial<Record<Quantile, number | null>> = {};
  const samplesNeeded: Partial<Record<Quantile, number>> = {};
  for (const name of QUANTILES) {
    const estimate = statistics.quantiles[name];
    quantiles[name] = scaled(estimate.value);
    if (estimate.samplesNeeded !== undefined) samplesNeeded[name] = estimate.samplesNeeded;
  }
  const summary = {
    ...EMPTY_SUMMARY,
    count: statistics.count,
    min: scaled(statistics.min),
    max: scaled(statistics.max),
    mean: scaled(statistics.mean),
    sd: scaled(statistics.standardDeviation),
    ...quantiles,
  };
  return Object.keys(samplesNeeded).length === 0 ? summary : { ...summary, samplesNeeded };
}

/** A µs of a ms: histograms know no more, and sums in floating point print digits nobody measured. */
function roundTo(value: number): number {
  return Math.round(value * 1_000) / 1_000;
}
