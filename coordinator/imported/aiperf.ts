import type { Latency } from "../compare/contender.ts";
import { Fields, firstNumber, firstText } from "./fields.ts";
import { type Imported, type ImportedWindow, LIMITS_OF_ALL } from "./imported-run.ts";
import { versionUnknown } from "./version.ts";

const TOOL = "AIPerf";

/**
 * AIPerf's `profile_export_aiperf.json`: one window. Each metric names its unit; its `inter_token_latency` is a
 * request's mean, as our ITL.
 *
 * @returns undefined where the file is another tool's. @throws LoadError LL_IMPORT_VERSION
 */
export function readAiperf(file: Fields, place: string): Imported | undefined {
  const throughput = file.at("request_throughput");
  if (!throughput.at("unit").isThere && !file.at("aiperf_version").isThere) return undefined;
  const schema = file.at("schema_version").text;
  if (schema !== undefined && !schema.startsWith("1.")) {
    const found = `schema_version ${schema}`;
    throw versionUnknown(place, { tool: TOOL, found, known: "schema_version 1" });
  }
  const achieved = throughput.at("avg").number ?? 0;
  if (achieved <= 0) {
    throw versionUnknown(place, {
      tool: TOOL,
      found: "no request_throughput",
      known: "request_throughput.avg",
    });
  }
  const version = file.at("aiperf_version").text;
  return {
    tool: version === undefined ? TOOL : `${TOOL} ${version}`,
    model: modelOf(file),
    windows: [windowOf(file, { achieved, place })],
    limits: LIMITS_OF_ALL,
  };
}

function windowOf(
  file: Fields,
  { achieved, place }: { readonly achieved: number; readonly place: string },
): ImportedWindow {
  const mean = (name: string): number | null => file.at(name, "avg").number ?? null;
  const latency = (name: string): Latency => latencyOf(file.at(name), { name, place });
  return {
    load: loadText(file),
    requestsPerSecond: plannedRate(file) ?? achieved,
    okCount: mean("request_count") ?? 0,
    failedCount: mean("error_request_count") ?? 0,
    ttftMs: latency("time_to_first_token"),
    itlMs: latency("inter_token_latency"),
    e2eMs: latency("request_latency"),
    inputTokensPerRequest: mean("input_sequence_length"),
    outputTokensPerRequest: mean("output_sequence_length"),
    outputTokensPerSecondPerUser: file.at("output_token_throughput_per_user", "p50").number ?? null,
    inFlightMean: mean("effective_concurrency"),
  };
}

function modelOf(file: Fields): string {
  const names = file.at("input_config", "endpoint", "model_names").list ?? [];
  const items = file.at("input_config", "models", "items").list ?? [];
  return (
    firstText(...names, ...items.map((item) => item.at("name")), file.at("model")) ??
    "unknown model"
  );
}

/** The phase that is reported, since schema 1.4. Of several there is one window all the same: what was planned is then open. */
function profiledPhase(file: Fields): Fields {
  const phases = file.at("input_config", "phases").list ?? [];
  const profiled = phases.filter((phase) => phase.at("kind").text === "profiling");
  return (profiled.length === 1 ? profiled[0] : undefined) ?? new Fields(undefined);
}

/** Requests/s; undefined for a closed loop. */
function plannedRate(file: Fields): number | undefined {
  return firstNumber(
    file.at("input_config", "loadgen", "request_rate"),
    profiledPhase(file).at("rate"),
  );
}

function loadText(file: Fields): string {
  const rate = plannedRate(file);
  if (rate !== undefined) return `${rate}/s`;
  const streams = firstNumber(
    file.at("input_config", "loadgen", "concurrency"),
    profiledPhase(file).at("concurrency"),
  );
  return streams === undefined ? "load" : `${streams} streams`;
}

const MS_PER_UNIT: Readonly<Record<string, number>> = {
  ns: 1e-6,
  us: 1e-3,
  ms: 1,
  s: 1_000,
  sec: 1_000,
};

function latencyOf(
  of: Fields,
  { name, place }: { readonly name: string; readonly place: string },
): Latency {
  if (!of.isThere) return { p50: null, p95: null, p99: null };
  const unit = of.at("unit").text ?? "";
  const factor = MS_PER_UNIT[unit];
  if (factor === undefined) {
    const found = `${name} in "${unit}"`;
    throw versionUnknown(place, { tool: TOOL, found, known: "ns, us, ms or sec" });
  }
  const quantile = (which: string): number | null => {
    const value = of.at(which).number;
    return value === undefined ? null : value * factor;
  };
  return { p50: quantile("p50"), p95: quantile("p95"), p99: quantile("p99") };
}
