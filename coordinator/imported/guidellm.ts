import type { Latency } from "../compare/contender.ts";
import { type Fields, firstNumber, firstText } from "./fields.ts";
import { type Imported, type ImportedWindow, LIMITS_OF_ALL } from "./imported-run.ts";
import { versionUnknown } from "./version.ts";

const TOOL = "GuideLLM";
/** `metadata.version`: 1 since 0.4, 2 since 0.7. */
const VERSIONS = [1, 2] as const;
const MS_PER_S = 1_000;

/**
 * GuideLLM's `benchmarks.json`: one window a benchmark, of its successful requests. Its `inter_token_latency_ms` is a
 * request's mean, as our ITL; `request_latency` is in seconds.
 *
 * @returns undefined where the file is another tool's. @throws LoadError LL_IMPORT_VERSION
 */
export function readGuidellm(file: Fields, place: string): Imported | undefined {
  const benchmarks = file.at("benchmarks").list;
  const first = benchmarks?.[0];
  if (benchmarks === undefined || first === undefined) return undefined;
  if (!first.at("metrics").isThere && !first.at("type_").isThere) return undefined;
  const version = file.at("metadata", "version");
  if (!VERSIONS.some((known) => known === version.number)) {
    const found = version.isThere ? `metadata.version ${version.shown}` : "no metadata.version";
    throw versionUnknown(place, { tool: TOOL, found, known: "metadata.version 1 or 2" });
  }
  const windows = benchmarks.flatMap(windowOf);
  if (windows.length === 0) {
    throw versionUnknown(place, {
      tool: TOOL,
      found: "no benchmark of successful requests",
      known: "metrics.requests_per_second and metrics.time_to_first_token_ms",
    });
  }
  const guidellm = file.at("metadata", "guidellm_version").text;
  return {
    tool: guidellm === undefined ? TOOL : `${TOOL} ${guidellm}`,
    model: modelOf(file, first),
    windows,
    limits: LIMITS_OF_ALL,
  };
}

function modelOf(file: Fields, first: Fields): string {
  return (
    firstText(
      first.at("config", "backend", "model"),
      first.at("benchmarker", "backend", "model"),
      file.at("args", "backend_kwargs", "model"),
      file.at("config", "spec", "backend", "model"),
      file.at("args", "model"),
    ) ?? "unknown model"
  );
}

function windowOf(benchmark: Fields): readonly ImportedWindow[] {
  const metrics = benchmark.at("metrics");
  const achieved = metrics.at("requests_per_second", "successful", "mean").number;
  if (achieved === undefined || achieved <= 0) return [];
  const strategy = benchmark.at("config", "strategy");
  const totals = metrics.at("request_totals");
  return [
    {
      load: loadText(strategy),
      requestsPerSecond: strategy.at("rate").number ?? achieved,
      okCount: totals.at("successful").number ?? 0,
      failedCount: totals.at("errored").number ?? 0,
      ttftMs: latencyOf(metrics.at("time_to_first_token_ms", "successful")),
      itlMs: latencyOf(metrics.at("inter_token_latency_ms", "successful")),
      e2eMs: scaled(latencyOf(metrics.at("request_latency", "successful")), MS_PER_S),
      inputTokensPerRequest: metrics.at("prompt_token_count", "successful", "mean").number ?? null,
      outputTokensPerRequest: metrics.at("output_token_count", "successful", "mean").number ?? null,
      outputTokensPerSecondPerUser: null,
      inFlightMean: metrics.at("request_concurrency", "successful", "mean").number ?? null,
    },
  ];
}

function loadText(strategy: Fields): string {
  const kind = firstText(strategy.at("type_"), strategy.at("kind")) ?? "load";
  const rate = strategy.at("rate").number;
  const streams = firstNumber(strategy.at("streams"), strategy.at("max_concurrency"));
  if (rate !== undefined) return `${kind} ${Number(rate.toPrecision(3))}/s`;
  return kind === "concurrent" && streams !== undefined ? `${streams} streams` : kind;
}

function latencyOf(of: Fields): Latency {
  const quantile = (name: string): number | null =>
    firstNumber(of.at("percentiles", name), of.at(name)) ?? null;
  return {
    p50: firstNumber(of.at("percentiles", "p50"), of.at("p50"), of.at("median")) ?? null,
    p95: quantile("p95"),
    p99: quantile("p99"),
  };
}

function scaled({ p50, p95, p99 }: Latency, factor: number): Latency {
  const times = (value: number | null): number | null => (value === null ? null : value * factor);
  return { p50: times(p50), p95: times(p95), p99: times(p99) };
}
