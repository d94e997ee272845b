import { NS_PER_SECOND } from "../../shared/units.ts";

export interface SchedulerGauges {
  readonly running: number;
  readonly waiting: number;
  /** 0 to 1. */
  readonly occupancy: number;
}

/** vLLM's buckets, s. */
const TTFT_BUCKETS_S = [
  0.001, 0.005, 0.01, 0.02, 0.04, 0.06, 0.08, 0.1, 0.25, 0.5, 0.75, 1, 2.5, 5, 7.5, 10, 20, 40, 80,
];
const LONG_BUCKETS_S = [
  0.3, 0.5, 0.8, 1, 1.5, 2, 2.5, 5, 10, 15, 20, 30, 40, 50, 60, 120, 240, 480, 960, 1920, 7680,
];

/** Counts what `/metrics` shows. */
export class SimulatorMetrics {
  readonly #model: string;
  readonly #success = { stop: 0, length: 0, abort: 0 };
  readonly #ttft = new TimeHistogram(TTFT_BUCKETS_S);
  readonly #endToEnd = new TimeHistogram(LONG_BUCKETS_S);
  readonly #queue = new TimeHistogram(LONG_BUCKETS_S);
  #promptTokens = 0;
  #generationTokens = 0;

  constructor(model: string) {
    this.#model = model;
  }

  started(waitedNs: number, promptTokens: number): void {
    this.#queue.add(waitedNs);
    this.#promptTokens += promptTokens;
  }

  firstToken(timeToFirstTokenNs: number): void {
    this.#ttft.add(timeToFirstTokenNs);
  }

  tokens(count: number): void {
    this.#generationTokens += count;
  }

  finished(reason: "stop" | "length" | "abort", endToEndNs: number): void {
    this.#success[reason] += 1;
    if (reason !== "abort") this.#endToEnd.add(endToEndNs);
  }

  /** The names and labels of vLLM (those that a simulator has). */
  vllmText(gauges: SchedulerGauges): string {
    const { running, waiting, occupancy } = gauges;
    const { stop, length, abort } = this.#success;
    return [
      this.#family("num_requests_running", "gauge", [["", running]]),
      this.#family("num_requests_waiting", "gauge", [["", waiting]]),
      this.#family("num_requests_waiting_by_reason", "gauge", [
        ['reason="capacity"', waiting],
        ['reason="deferred"', 0],
      ]),
      this.#family("kv_cache_usage_perc", "gauge", [["", occupancy]]),
      this.#family("num_preemptions_total", "counter", [["", 0]]),
      this.#family("prompt_tokens_total", "counter", [["", this.#promptTokens]]),
      this.#family("generation_tokens_total", "counter", [["", this.#generationTokens]]),
      this.#family("request_success_total", "counter", [
        ['finished_reason="stop"', stop],
        ['finished_reason="length"', length],
        ['finished_reason="abort"', abort],
      ]),
      this.#histogram("time_to_first_token_seconds", this.#ttft),
      this.#histogram("request_queue_time_seconds", this.#queue),
      this.#histogram("e2e_request_latency_seconds", this.#endToEnd),
    ].join("");
  }

  /** The names of llama-server. */
  llamaCppText({ running, waiting }: SchedulerGauges): string {
    return [
      plain("llamacpp:prompt_tokens_total", "counter", this.#promptTokens),
      plain("llamacpp:tokens_predicted_total", "counter", this.#generationTokens),
      plain("llamacpp:requests_processing", "gauge", running),
      plain("llamacpp:requests_deferred", "gauge", waiting),
      plain("llamacpp:n_busy_slots_per_decode", "gauge", running),
    ].join("");
  }

  #family(
    name: string,
    type: string,
    samples: readonly (readonly [labels: string, value: number])[],
  ): string {
    const lines = samples.map(([labels, value]) => this.#line(name, labels, value));
    return `# HELP vllm:${name} As vLLM counts it.\n# TYPE vllm:${name} ${type}\n${lines.join("")}`;
  }

  #histogram(name: string, histogram: TimeHistogram): string {
    const buckets = histogram
      .cumulative()
      .map(([bound, count]) => this.#line(`${name}_bucket`, `le="${bound}"`, count));
    return (
      `# HELP vllm:${name} As vLLM counts it.\n# TYPE vllm:${name} histogram\n` +
      buckets.join("") +
      this.#line(`${name}_sum`, "", histogram.sumS) +
      this.#line(`${name}_count`, "", histogram.count)
    );
  }

  #line(name: string, labels: string, value: number): string {
    const more = labels === "" ? "" : `,${labels}`;
    return `vllm:${name}{engine="0",model_name="${this.#model}"${more}} ${value}\n`;
  }
}

function plain(name: string, type: string, value: number): string {
  return `# HELP ${name} As llama-server counts it.\n# TYPE ${name} ${type}\n${name} ${value}\n`;
}

class TimeHistogram {
  readonly #boundsS: readonly number[];
  readonly #counts: number[];
  count = 0;
  sumS = 0;

  constructor(boundsS: readonly number[]) {
    this.#boundsS = boundsS;
    this.#counts = new Array<number>(boundsS.length + 1).fill(0);
  }

  add(timeNs: number): void {
    const timeS = timeNs / NS_PER_SECOND;
    const found = this.#boundsS.findIndex((boundS) => timeS <= boundS);
    const place = found === -1 ? this.#boundsS.length : found;
    this.#counts[place] = (this.#counts[place] ?? 0) + 1;
    this.count += 1;
    this.sumS += timeS;
  }

  cumulative(): (readonly [bound: string, count: number])[] {
    let below = 0;
    return this.#counts.map((count, place) => {
      below += count;
      return [String(this.#boundsS[place] ?? "+Inf"), below] as const;
    });
  }
}
