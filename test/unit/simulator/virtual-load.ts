import { drawExponential } from "../../../shared/random/samplers.ts";
import { randomStream } from "../../../shared/random/stream.ts";
import { createScheduler } from "../../../simulator/scheduler/scheduler.ts";
import type { SchedulerConfig } from "../../../simulator/scheduler/config.ts";
import type { SchedulerEvents } from "../../../simulator/scheduler/ports.ts";
import type { TimeWarp } from "../../../simulator/scheduler/time-warp.ts";

/** One request and what was told of it. */
export interface Told {
  readonly index: number;
  readonly promptTokens: number;
  readonly outputTokens: number;
  readonly arrivedAtNs: number;
  startedAtNs: number;
  readonly tokensAtNs: number[];
  doneAtNs: number;
}

/** @param tokens output tokens, or output and prompt tokens. */
export function told(
  index: number,
  arrivedAtNs: number,
  tokens: number | readonly [output: number, prompt: number] = 1,
): Told {
  const [outputTokens, promptTokens] = typeof tokens === "number" ? [tokens, 1] : tokens;
  return {
    index,
    promptTokens,
    outputTokens,
    arrivedAtNs,
    startedAtNs: NaN,
    tokensAtNs: [],
    doneAtNs: NaN,
  };
}

export const record: SchedulerEvents<Told> = {
  onStart(request, atNs) {
    request.startedAtNs = atNs;
  },
  onToken(request, atNs, k) {
    if (k !== request.tokensAtNs.length + 1) throw new Error(`token ${k} out of order`);
    request.tokensAtNs.push(atNs);
  },
  onDone(request, atNs) {
    request.doneAtNs = atNs;
  },
};

/** Runs given arrivals to the end. */
export function serve(
  config: SchedulerConfig,
  requests: readonly Told[],
  warps: readonly TimeWarp[] = [],
): void {
  const scheduler = createScheduler<Told>(config, 1);
  for (const warp of warps) scheduler.disturb(warp);
  for (const request of requests) {
    scheduler.advance(request.arrivedAtNs, record);
    scheduler.arrive(request.arrivedAtNs, request);
  }
  while (scheduler.nextEventAtNs() !== Infinity) {
    scheduler.advance(scheduler.nextEventAtNs(), record);
  }
}

/** `count` Poisson arrivals. */
export function poissonRequests(options: {
  ratePerSecond: number;
  count: number;
  seed: number;
  outputTokens?: number;
  promptTokens?: number;
}): Told[] {
  const prng = randomStream({ seed: options.seed, segment: 1, purpose: "arrivals" });
  let atNs = 0;
  return Array.from({ length: options.count }, (_, index) => {
    atNs += (drawExponential(prng) * 1e9) / options.ratePerSecond;
    return told(index, atNs, [options.outputTokens ?? 1, options.promptTokens ?? 1]);
  });
}
