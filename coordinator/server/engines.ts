import { assert } from "../../shared/assert.ts";

/**
 * What each engine calls the figures that Loadline reads: data, not code. Of several names the first one that is there
 * counts: newer versions come first, and an exporter that writes a metric under its old name too is not counted twice.
 *
 * A colon in a name may have become `_` on the way (collectors that do not take it), so each name is known both ways.
 */

export const ENGINE_NAMES = ["vllm", "sglang", "trtllm", "tgi", "llm-d-epp"] as const;
export type EngineName = (typeof ENGINE_NAMES)[number];

/** Where one figure comes from. */
export interface MetricSource {
  readonly names: readonly [newest: string, ...older: string[]];
  /** Series with one of these values of that label do not count. */
  readonly without?: { readonly label: string; readonly values: readonly string[] };
}

export interface EngineAdapter {
  readonly engine: EngineName;
  /** As people write it. */
  readonly title: string;
  /** Label that holds the model's name; undefined: there is none. */
  readonly modelLabel: string | undefined;
  /** Gauges: the series of one endpoint add up, but for a use, of which the mean is taken. */
  readonly waiting: MetricSource;
  readonly running: MetricSource;
  /** 0 to 1. */
  readonly kvUse: MetricSource | undefined;
  /** Replicas behind the endpoint, where it stands for several. */
  readonly replicas: MetricSource | undefined;
  /** Counters. */
  readonly completed: MetricSource;
  readonly promptTokens: MetricSource;
  readonly generationTokens: MetricSource;
  /** Histograms of seconds, of which `_sum` and `_count` are read. */
  readonly ttft: MetricSource | undefined;
  readonly e2e: MetricSource | undefined;
}

function source(...names: MetricSource["names"]): MetricSource {
  return { names };
}

export const ENGINES: readonly EngineAdapter[] = [
  {
    engine: "vllm",
    title: "vLLM",
    modelLabel: "model_name",
    waiting: source("vllm:num_requests_waiting"),
    running: source("vllm:num_requests_running"),
    // The second one before 0.12.
    kvUse: source("vllm:kv_cache_usage_perc", "vllm:gpu_cache_usage_perc"),
    replicas: undefined,
    completed: {
      names: ["vllm:request_success_total", "vllm:request_success"],
      without: { label: "finished_reason", values: ["abort", "error"] },
    },
    promptTokens: source("vllm:prompt_tokens_total"),
    generationTokens: source("vllm:generation_tokens_total"),
    ttft: source("vllm:time_to_first_token_seconds"),
    e2e: source("vllm:e2e_request_latency_seconds"),
  },
  {
    engine: "sglang",
    title: "SGLang",
    modelLabel: "model_name",
    waiting: source("sglang:num_queue_reqs"),
    running: source("sglang:num_running_reqs"),
    kvUse: source("sglang:token_usage"),
    replicas: undefined,
    completed: source("sglang:num_requests_total"),
    promptTokens: source("sglang:prompt_tokens_total"),
    generationTokens: source("sglang:generation_tokens_total"),
    ttft: source("sglang:time_to_first_token_seconds"),
    e2e: source("sglang:e2e_request_latency_seconds"),
  },
  {
    engine: "tgi",
    title: "TGI",
    modelLabel: undefined,
    waiting: source("tgi_queue_size"),
    running: source("tgi_batch_current_size"),
    kvUse: undefined,
    replicas: undefined,
    completed: source("tgi_request_success", "tgi_request_success_total"),
    // It counts tokens by request, in histograms.
    promptTokens: source("tgi_request_input_length_sum"),
    generationTokens: source("tgi_request_generated_tokens_sum"),
    ttft: undefined,
    e2e: source("tgi_request_duration"),
  },
  {
    engine: "trtllm",
    title: "trtllm-serve",
    modelLabel: "model_name",
    // The second ones as Dynamo passes them on.
    waiting: source("trtllm_num_requests_waiting", "trtllm:num_requests_waiting"),
    running: source("trtllm_num_requests_running", "trtllm:num_requests_running"),
    kvUse: source("trtllm_kv_cache_utilization", "trtllm:kv_cache_utilization"),
    replicas: undefined,
    completed: source("trtllm_request_success_total", "trtllm:request_success_total"),
    promptTokens: source("trtllm_prompt_tokens_total", "trtllm:prompt_tokens_total"),
    generationTokens: source("trtllm_generation_tokens_total", "trtllm:generation_tokens_total"),
    ttft: source("trtllm_time_to_first_token_seconds", "trtllm:time_to_first_token_seconds"),
    e2e: source("trtllm_e2e_request_latency_seconds", "trtllm:e2e_request_latency_seconds"),
  },
  {
    engine: "llm-d-epp",
    title: "llm-d EPP",
    modelLabel: "model_name",
    // The second ones before its 0.9, as the Gateway API Inference Extension.
    waiting: source(
      "llm_d_epp_flow_control_queue_size",
      "inference_extension_flow_control_queue_size",
    ),
    running: source("llm_d_epp_request_running", "inference_objective_running_requests"),
    kvUse: source(
      "llm_d_epp_average_kv_cache_utilization",
      "inference_pool_average_kv_cache_utilization",
    ),
    replicas: source("llm_d_epp_ready_endpoints", "inference_pool_ready_pods"),
    // It counts requests when they come; durations when they end.
    completed: source(
      "llm_d_epp_request_duration_seconds_count",
      "inference_objective_request_duration_seconds_count",
    ),
    promptTokens: source(
      "llm_d_epp_request_input_tokens_sum",
      "inference_objective_input_tokens_sum",
    ),
    generationTokens: source(
      "llm_d_epp_request_output_tokens_sum",
      "inference_objective_output_tokens_sum",
    ),
    ttft: source("llm_d_epp_request_ttft_seconds"),
    e2e: source(
      "llm_d_epp_request_duration_seconds",
      "inference_objective_request_duration_seconds",
    ),
  },
];

export function isEngineName(name: string): name is EngineName {
  return (ENGINE_NAMES as readonly string[]).includes(name);
}

export function engineAdapter(name: EngineName): EngineAdapter {
  const adapter = ENGINES.find(({ engine }) => engine === name);
  assert(adapter !== undefined, "each engine has an adapter");
  return adapter;
}

/** What a version of today calls a figure: for files that are written, not read. */
export function newestName({ names }: MetricSource): string {
  return names[0];
}

export function engineTitle(name: EngineName): string {
  return engineAdapter(name).title;
}

/** The names that the format may have made of a name. */
export function spellingsOf(name: string): readonly string[] {
  return name.includes(":") ? [name, name.replaceAll(":", "_")] : [name];
}
