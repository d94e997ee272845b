import { Histogram } from "../../shared/measurement/histogram.ts";
import { type Metric, unitsPerTick } from "../../shared/measurement/metric.ts";
import { NS_PER_MS } from "../../shared/units.ts";
import type { HistogramsByClass } from "../merge/segment-merge.ts";
import type { MetricsView, Summary } from "../show/result.ts";
import { EMPTY_SUMMARY, summarise } from "../show/summary.ts";

/** Summaries of merged histograms, as the report shows them. */
export function metricsView(metrics: ReadonlyMap<Metric, Histogram>): MetricsView {
  const ms = (metric: Metric): Summary => summaryMs(metrics.get(metric));
  const speed = metrics.get("output_tokens_per_second");
  return {
    ttftMs: ms("ttft"),
    answerTtftMs: ms("answer_ttft"),
    e2eMs: ms("e2e"),
    serviceTtftMs: ms("service_ttft"),
    serviceE2eMs: ms("service_e2e"),
    itlMs: ms("itl"),
    gapMs: ms("gap"),
    maxGapMs: ms("max_gap"),
    sendDelayMs: ms("send_delay"),
    outputTokensPerSecondPerUser:
      speed === undefined
        ? EMPTY_SUMMARY
        : summarise(speed, { unitsPerValue: 1, slowSideIsLow: true }),
  };
}

export function summaryMs(histogram: Histogram | undefined): Summary {
  if (histogram === undefined) return EMPTY_SUMMARY;
  return summarise(histogram, { unitsPerValue: 1 / NS_PER_MS });
}

/** Every class taken together: histograms add up, quantiles do not. */
export function allClasses(classes: HistogramsByClass): ReadonlyMap<Metric, Histogram> {
  const [only] = classes.values();
  if (only !== undefined && classes.size === 1) return only;
  const sum = new Map<Metric, Histogram>();
  for (const metrics of classes.values())
    for (const [metric, histogram] of metrics) {
      const total = sum.get(metric) ?? new Histogram(unitsPerTick(metric));
      total.add(histogram);
      sum.set(metric, total);
    }
  return sum;
}
