import { randomStream } from "../../shared/random/stream.ts";
import type { Prng } from "../../shared/random/stream.ts";
import { BatchingScheduler } from "./batching.ts";
import type { SchedulerConfig, Work } from "./config.ts";
import { FifoScheduler } from "./fifo.ts";
import type { Scheduler } from "./ports.ts";
import { WarpedScheduler } from "./warped.ts";

/**
 * The LLM server as a step scheduler over virtual time. The same seed and the same arrivals give the same
 * instants; a request's service time is drawn when it arrives, so what others do later does not change it.
 */
export function createScheduler<Request extends Work>(
  config: SchedulerConfig,
  seed: number,
): WarpedScheduler<Request> {
  return new WarpedScheduler(createCore<Request>(config, seed));
}

function createCore<Request extends Work>(
  config: SchedulerConfig,
  seed: number,
): Scheduler<Request> {
  if (config.kind === "batching") return new BatchingScheduler<Request>(config);
  return new FifoScheduler<Request>(config, simulatorStream(seed, "service"));
}

const STREAMS = ["service", "length", "fault"] as const;

/**
 * A stream of the simulator's own. The last segment number keeps it apart from the streams of a run with the
 * same seed: otherwise service times could repeat the arrivals' draws.
 */
export function simulatorStream(seed: number, name: (typeof STREAMS)[number]): Prng {
  return randomStream({
    seed,
    segment: 2 ** 32 - 1,
    purpose: "arrivals",
    lane: STREAMS.indexOf(name),
  });
}
