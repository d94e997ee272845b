import { NS_PER_US } from "../units.ts";

/**
 * What is measured of each request (`gap`: of each pair of successive content events).
 * Definitions: docs/measurement.md. Times count from the intended instant unless named `service_`.
 */
export const METRICS = [
  "send_delay",
  "ttft",
  "service_ttft",
  "answer_ttft",
  "gap",
  "itl",
  "max_gap",
  "e2e",
  "service_e2e",
  "output_tokens_per_second",
] as const;
export type Metric = (typeof METRICS)[number];

/** Every metric is a time in ns but this one, which is tokens/s. */
export function isTimeMetric(metric: Metric): boolean {
  return metric !== "output_tokens_per_second";
}

/** How much of the metric's unit one histogram tick stands for: 1 µs of time, 0.001 tokens/s of speed. */
export function unitsPerTick(metric: Metric): number {
  return isTimeMetric(metric) ? NS_PER_US : 0.001;
}
