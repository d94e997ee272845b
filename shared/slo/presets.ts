import { ExitCode, LoadError } from "../errors.ts";
import { parseSlo } from "./grammar.ts";
import { nearest } from "./near-miss.ts";
import type { Slo } from "./slo.ts";

/** A named SLO; `about` is one line for `--help` and the report. */
export interface SloPreset {
  readonly name: string;
  readonly about: string;
  readonly clauses: readonly string[];
}

function mlperf(name: string, about: string, limits: { ttft: string; tpot: string }): SloPreset {
  return {
    name: `mlperf-${name}`,
    about: `MLPerf Inference, ${about}`,
    // MLPerf's TPOT is our itl; its Server scenarios of language models hold both at the 99th percentile.
    clauses: [`ttft p99 <= ${limits.ttft}`, `itl p99 <= ${limits.tpot}`],
  };
}

/**
 * The MLPerf rows are the "Server latency constraint" column of the datacenter suite in MLCommons'
 * inference_policies, inference_rules.adoc, section "Benchmarks" (as of commit ac93e89, July 2026), where they stand
 * as "TTFT/TPOT"; "Conversational" and "Server" there are the plain names here.
 */
export const SLO_PRESETS: readonly SloPreset[] = [
  {
    name: "chatbot",
    about: "a person reads along: an answer starts at once and flows faster than reading",
    clauses: ["ttft p99 <= 200ms", "itl p99 <= 50ms"],
  },
  {
    name: "rag",
    about: "an answer over retrieved documents, whole within three seconds",
    clauses: ["ttft p99 <= 300ms", "itl p99 <= 100ms", "e2e p99 <= 3s"],
  },
  mlperf("llama2-70b", "Llama 2 70B, conversational", { ttft: "2s", tpot: "200ms" }),
  mlperf("llama2-70b-interactive", "Llama 2 70B, interactive", { ttft: "450ms", tpot: "40ms" }),
  mlperf("mixtral-8x7b", "Mixtral 8x7B, server", { ttft: "2s", tpot: "200ms" }),
  mlperf("llama3.1-8b", "Llama 3.1 8B, conversational", { ttft: "2s", tpot: "100ms" }),
  mlperf("llama3.1-8b-interactive", "Llama 3.1 8B, interactive", { ttft: "500ms", tpot: "30ms" }),
  mlperf("llama3.1-405b", "Llama 3.1 405B, server", { ttft: "6s", tpot: "175ms" }),
  mlperf("llama3.1-405b-interactive", "Llama 3.1 405B, interactive", {
    ttft: "4.5s",
    tpot: "80ms",
  }),
  mlperf("deepseek-r1", "DeepSeek-R1, server", { ttft: "2s", tpot: "80ms" }),
  mlperf("deepseek-r1-interactive", "DeepSeek-R1, interactive", { ttft: "1.5s", tpot: "15ms" }),
  mlperf("gpt-oss-120b", "gpt-oss-120b, server", { ttft: "3s", tpot: "80ms" }),
  mlperf("gpt-oss-120b-interactive", "gpt-oss-120b, interactive", { ttft: "2s", tpot: "20ms" }),
];

/**
 * The SLO of a preset.
 *
 * @throws LoadError LL_SLO_PRESET_UNKNOWN.
 */
export function presetSlo(name: string): Slo {
  const preset = SLO_PRESETS.find((candidate) => candidate.name === name);
  if (preset !== undefined) return parseSlo(preset.clauses);
  const names = SLO_PRESETS.map((candidate) => candidate.name);
  const near = nearest(name, names);
  throw new LoadError(
    `the plan asks for the SLO preset "${name}", but there is none of that name`,
    {
      code: "LL_SLO_PRESET_UNKNOWN",
      hint: `${near === undefined ? "" : `did you mean "${near}"? `}presets are ${names.join(", ")}`,
      exitCode: ExitCode.PlanInvalid,
    },
  );
}
