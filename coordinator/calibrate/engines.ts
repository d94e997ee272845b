/** Engines whose own metrics an autoscaler can read. */
export const ENGINES = ["vllm", "sglang", "trtllm", "tgi", "llm-d-epp"] as const;
export type Engine = (typeof ENGINES)[number];

/** Names of Prometheus metrics; undefined where the engine has none. */
export interface EngineMetrics {
  readonly waiting: string;
  readonly running: string;
  readonly kvUse: string | undefined;
  /** Label that holds the model's name. */
  readonly modelLabel: string | undefined;
  /** Histograms of the metrics that an SLO may be about, in s, without `_bucket`. */
  readonly histograms: Readonly<Partial<Record<string, string>>>;
}

/** As of vLLM 0.12, SGLang 0.5, TensorRT-LLM 1.0, TGI 3 and llm-d's endpoint picker. */
export const ENGINE_METRICS: Readonly<Record<Engine, EngineMetrics>> = {
  vllm: {
    waiting: "vllm:num_requests_waiting",
    running: "vllm:num_requests_running",
    kvUse: "vllm:kv_cache_usage_perc",
    modelLabel: "model_name",
    histograms: {
      ttft: "vllm:time_to_first_token_seconds",
      e2e: "vllm:e2e_request_latency_seconds",
    },
  },
  sglang: {
    waiting: "sglang:num_queue_reqs",
    running: "sglang:num_running_reqs",
    kvUse: "sglang:token_usage",
    modelLabel: "model_name",
    histograms: {
      ttft: "sglang:time_to_first_token_seconds",
      e2e: "sglang:e2e_request_latency_seconds",
    },
  },
  trtllm: {
    waiting: "trtllm_num_requests_waiting",
    running: "trtllm_num_requests_running",
    kvUse: "trtllm_kv_cache_utilization",
    modelLabel: "model_name",
    histograms: {},
  },
  tgi: {
    waiting: "tgi_queue_size",
    running: "tgi_batch_current_size",
    kvUse: undefined,
    modelLabel: undefined,
    histograms: {},
  },
  "llm-d-epp": {
    waiting: "llm_d_epp_flow_control_queue_size",
    running: "llm_d_epp_request_running",
    kvUse: "llm_d_epp_average_kv_cache_utilization",
    modelLabel: "model_name",
    histograms: {},
  },
};

export function isEngine(name: string): name is Engine {
  return (ENGINES as readonly string[]).includes(name);
}
