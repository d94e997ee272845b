import assert from "node:assert/strict";
import { test } from "node:test";
import { ENGINES } from "../../../coordinator/server/engines.ts";
import { parseExposition } from "../../../coordinator/server/exposition.ts";
import { isServerMetric, readingOf } from "../../../coordinator/server/reading.ts";

function read(lines: readonly string[]): ReturnType<typeof readingOf> {
  return readingOf(parseExposition(lines.join("\n"), isServerMetric));
}

const VLLM = [
  "# TYPE vllm:num_requests_running gauge",
  'vllm:num_requests_running{engine="0",model_name="m"} 7.0',
  'vllm:num_requests_running{engine="1",model_name="m"} 5.0',
  'vllm:num_requests_waiting{engine="0",model_name="m"} 2.0',
  'vllm:num_requests_waiting{engine="1",model_name="m"} 0.0',
  'vllm:kv_cache_usage_perc{engine="0",model_name="m"} 0.5',
  'vllm:kv_cache_usage_perc{engine="1",model_name="m"} 0.3',
  'vllm:request_success_total{engine="0",finished_reason="stop",model_name="m"} 10.0',
  'vllm:request_success_total{engine="0",finished_reason="length",model_name="m"} 4.0',
  'vllm:request_success_total{engine="0",finished_reason="abort",model_name="m"} 3.0',
  'vllm:prompt_tokens_total{engine="0",model_name="m"} 1.28e+04',
  'vllm:generation_tokens_total{engine="0",model_name="m"} 640.0',
  'vllm:time_to_first_token_seconds_bucket{engine="0",le="0.1",model_name="m"} 3.0',
  'vllm:time_to_first_token_seconds_sum{engine="0",model_name="m"} 1.5',
  'vllm:time_to_first_token_seconds_count{engine="0",model_name="m"} 14.0',
  'vllm:e2e_request_latency_seconds_sum{engine="0",model_name="m"} 28.0',
  'vllm:e2e_request_latency_seconds_count{engine="0",model_name="m"} 14.0',
  "process_cpu_seconds_total 12.5",
];

test("vLLM: engines of one endpoint add up, their cache use is averaged, aborted requests are not completed", () => {
  assert.deepEqual(read(VLLM), {
    engine: "vllm",
    waiting: 2,
    running: 12,
    kvUse: 0.4,
    replicas: null,
    completed: 14,
    promptTokens: 12_800,
    generationTokens: 640,
    ttft: { count: 14, sumS: 1.5 },
    e2e: { count: 14, sumS: 28 },
  });
});

test("an older name is taken where the newer one is missing, and never beside it", () => {
  const older = VLLM.map((line) => line.replace("kv_cache_usage_perc", "gpu_cache_usage_perc"));
  assert.deepEqual(read(older), read(VLLM));
  assert.deepEqual(
    read([...older, ...VLLM.filter((line) => line.includes("kv_cache"))]),
    read(VLLM),
  );
  const epp = [
    'llm_d_epp_request_running{model_name="m"} 4',
    'inference_objective_running_requests{model_name="m"} 4',
  ];
  assert.equal(read(epp)?.running, 4);
});

test("a collector that takes no colons changes nothing", () => {
  assert.deepEqual(read(VLLM.map((line) => line.replace("vllm:", "vllm_"))), read(VLLM));
});

const OTHERS = {
  sglang: [
    'sglang:num_running_reqs{model_name="m"} 3',
    'sglang:num_queue_reqs{model_name="m"} 1',
    'sglang:token_usage{model_name="m"} 0.28',
    'sglang:num_requests_total{model_name="m",is_streaming="true"} 5',
    'sglang:prompt_tokens_total{model_name="m"} 100',
    'sglang:generation_tokens_total{model_name="m"} 50',
    'sglang:e2e_request_latency_seconds_sum{model_name="m"} 10',
    'sglang:e2e_request_latency_seconds_count{model_name="m"} 5',
  ],
  trtllm: [
    'trtllm_num_requests_running{model_name="m"} 3',
    'trtllm_num_requests_waiting{model_name="m"} 1',
    'trtllm_kv_cache_utilization{model_name="m"} 0.28',
    'trtllm_request_success_total{finished_reason="stop",model_name="m"} 5',
    'trtllm_prompt_tokens_total{model_name="m"} 100',
    'trtllm_generation_tokens_total{model_name="m"} 50',
    'trtllm_e2e_request_latency_seconds_sum{model_name="m"} 10',
    'trtllm_e2e_request_latency_seconds_count{model_name="m"} 5',
  ],
  tgi: [
    "tgi_batch_current_size 3",
    "tgi_queue_size 1",
    'tgi_request_success{method="batch"} 5',
    "tgi_request_input_length_sum 100",
    "tgi_request_generated_tokens_sum 50",
    "tgi_request_duration_sum 10",
    "tgi_request_duration_count 5",
  ],
  "llm-d-epp": [
    'llm_d_epp_request_running{model_name="m"} 3',
    'llm_d_epp_flow_control_queue_size{priority="0"} 1',
    'llm_d_epp_average_kv_cache_utilization{name="pool"} 0.28',
    'llm_d_epp_request_total{model_name="m"} 9',
    'llm_d_epp_request_duration_seconds_count{model_name="m"} 5',
    'llm_d_epp_request_duration_seconds_sum{model_name="m"} 10',
    'llm_d_epp_request_input_tokens_sum{model_name="m"} 100',
    'llm_d_epp_request_output_tokens_sum{model_name="m"} 50',
    'llm_d_epp_ready_endpoints{name="pool"} 2',
  ],
} as const;

for (const [engine, lines] of Object.entries(OTHERS)) {
  test(`${engine}: what it says is read by its own names, and what it does not say is null`, () => {
    assert.deepEqual(read(lines), {
      engine,
      waiting: 1,
      running: 3,
      kvUse: engine === "tgi" ? null : 0.28,
      replicas: engine === "llm-d-epp" ? 2 : null,
      completed: 5,
      promptTokens: 100,
      generationTokens: 50,
      ttft: null,
      e2e: { count: 5, sumS: 10 },
    });
  });
}

test("no engine: other metrics, and nothing at all", () => {
  assert.equal(read(["process_cpu_seconds_total 12.5"]), undefined);
  assert.equal(read([]), undefined);
});

test("what is no number is not known", () => {
  const broken = read([
    "vllm:num_requests_running 1",
    "vllm:num_requests_waiting NaN",
    "vllm:kv_cache_usage_perc +Inf",
  ]);
  assert.deepEqual([broken?.running, broken?.waiting, broken?.kvUse], [1, null, null]);
});

test("no two engines share a name", () => {
  const names = ENGINES.map(({ running, waiting, completed }) => [
    ...running.names,
    ...waiting.names,
    ...completed.names,
  ]).flat();
  assert.equal(new Set(names).size, names.length);
});
