import type { Latency } from "../compare/contender.ts";
import { type Fields, firstNumber } from "./fields.ts";
import { type Imported, type ImportedWindow, LIMITS_OF_ALL } from "./imported-run.ts";
import { versionUnknown } from "./version.ts";

const TOOL = "vllm bench";

/**
 * What `vllm bench serve --save-result` writes: one window. Its TPOT is our ITL (a request's mean); its ITL pools the gaps
 * of all requests and is left out. Times that it is not asked for (`--percentile-metrics`, `--metric-percentiles`) are missing.
 *
 * @returns undefined where the file is another tool's. @throws LoadError LL_IMPORT_VERSION
 */
export function readVllmBench(file: Fields, place: string): Imported | undefined {
  if (!file.at("request_throughput").isThere || !file.at("completed").isThere) return undefined;
  const achieved = file.at("request_throughput").number ?? 0;
  if (achieved <= 0 || !file.at("mean_ttft_ms").isThere) {
    throw versionUnknown(place, {
      tool: TOOL,
      found: "no request_throughput or mean_ttft_ms of `serve`",
      known: "what `vllm bench serve` writes",
    });
  }
  return {
    tool: TOOL,
    model: file.at("model_id").text ?? "unknown model",
    windows: [windowOf(file, achieved)],
    limits: [...LIMITS_OF_ALL, "the file does not name the version that wrote it"],
  };
}

function windowOf(file: Fields, achieved: number): ImportedWindow {
  const ok = file.at("completed").number ?? 0;
  const perRequest = (name: string): number | null => {
    const total = file.at(name).number;
    return total === undefined || ok === 0 ? null : total / ok;
  };
  return {
    load: loadText(file),
    requestsPerSecond: file.at("request_rate").number ?? achieved,
    okCount: ok,
    failedCount:
      firstNumber(file.at("failed")) ?? Math.max(0, (file.at("num_prompts").number ?? ok) - ok),
    ttftMs: latencyOf(file, "ttft"),
    itlMs: latencyOf(file, "tpot"),
    e2eMs: latencyOf(file, "e2el"),
    inputTokensPerRequest: perRequest("total_input_tokens"),
    outputTokensPerRequest: perRequest("total_output_tokens"),
    outputTokensPerSecondPerUser: null,
    inFlightMean: null,
  };
}

/** `request_rate` is a number, or "inf". */
function loadText(file: Fields): string {
  const rate = file.at("request_rate").number;
  const streams = file.at("max_concurrency").number;
  if (rate !== undefined) return `${rate}/s`;
  return streams === undefined ? "all at once" : `${streams} streams`;
}

function latencyOf(file: Fields, metric: string): Latency {
  return {
    p50: firstNumber(file.at(`p50_${metric}_ms`), file.at(`median_${metric}_ms`)) ?? null,
    p95: file.at(`p95_${metric}_ms`).number ?? null,
    p99: file.at(`p99_${metric}_ms`).number ?? null,
  };
}
