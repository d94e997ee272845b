import type { AgentFloor, CleanRate } from "../../shared/control/control.ts";
import { Histogram } from "../../shared/measurement/histogram.ts";
import { unitsPerTick } from "../../shared/measurement/metric.ts";
import { NS_PER_MS } from "../../shared/units.ts";
import type { NullSink } from "../ports.ts";
import { type Burst, fireBurst, type Stage } from "./burst.ts";
import { cleanRateOf, lumpedCosts, rateAt } from "./clean-rate.ts";
import { type AgentErrors, agentErrors, quantileOf } from "./floor.ts";

/** What an agent knows of itself. */
export interface SelfCalibration extends CleanRate {
  readonly floor: AgentFloor;
}

/**
 * Not counted: compiles every line of the firing path, without which the first second is sent up to 25 ms late, and of
 * sealing, whose first calls take 15 ms. That takes calls, not time: on a busy machine it lasts longer, and intervals
 * are short.
 */
const WARM_UP = {
  load: { streams: 128 },
  outputTokens: 24,
  settleS: 1.5,
  settleEvents: 10_000,
  countS: 0.2,
  intervalNs: 10 * NS_PER_MS,
} as const;
const INTERVAL_NS = 250 * NS_PER_MS;
const SHORT = { outputTokens: 1, settleS: 0.1, countS: 0.4, intervalNs: INTERVAL_NS } as const;
const LONG = { outputTokens: 64, settleS: 0.25, countS: 0.5, intervalNs: INTERVAL_NS } as const;
/**
 * Costs fall with the load (more events a read), so they are taken at a load like those that matter: this part of what
 * the warm-up got through, whatever else the machine was doing.
 */
const BURST_FRACTION = 0.5;
const BURST_RATE_MIN = 20;
const BURST_RATE_MAX = 2_000;

/**
 * Measures, in about two seconds, what this agent adds to every figure and how much it carries: three bursts at a
 * server that only answers, on this host, in a process of its own.
 */
export async function calibrateSelf(
  stage: Stage,
  startNullSink: () => Promise<NullSink>,
): Promise<SelfCalibration> {
  const sink = await startNullSink();
  try {
    const { url } = sink;
    const warm = await fireBurst(stage, { ...WARM_UP, url });
    const costs = lumpedCosts({ ...warm, cpuSeconds: WARM_UP.countS });
    const rateOf = (outputTokens: number): number =>
      Math.round(
        Math.min(
          BURST_RATE_MAX,
          Math.max(BURST_RATE_MIN, rateAt(costs, outputTokens, BURST_FRACTION)),
        ),
      );
    await sink.takeLog();
    const short = await fireBurst(stage, {
      ...SHORT,
      url,
      load: { ratePerSecond: rateOf(SHORT.outputTokens) },
    });
    const shortErrors = agentErrors(short.tape.requests, await sink.takeLog());
    const long = await fireBurst(stage, {
      ...LONG,
      url,
      load: { ratePerSecond: rateOf(LONG.outputTokens) },
    });
    const longErrors = agentErrors(long.tape.requests, await sink.takeLog());
    const throttled = Math.max(short.throttledFraction, long.throttledFraction);
    return {
      ...cleanRateOf({ short, long }, Math.max(0.01, 1 - throttled)),
      floor: floorOf([long, short], [longErrors, shortErrors]),
    };
  } finally {
    sink.close();
  }
}

function floorOf(bursts: readonly Burst[], errors: readonly AgentErrors[]): AgentFloor {
  const sendDelay = new Histogram(unitsPerTick("send_delay"));
  for (const burst of bursts) sendDelay.add(burst.sendDelay);
  const ttftNs = errors.flatMap((each) => each.ttftNs);
  return {
    ttftP50Ns: Math.round(quantileOf(ttftNs, 0.5)),
    ttftP99Ns: p99Of(ttftNs),
    gapErrorP99Ns: p99Of(errors.flatMap((each) => each.gapErrorNs)),
    itlErrorP99Ns: p99Of(errors.flatMap((each) => each.itlErrorNs)),
    sendDelayP50Ns: Math.round(sendDelay.quantile(0.5)),
    sendDelayP99Ns: Math.round(sendDelay.quantile(0.99)),
  };
}

function p99Of(valuesNs: readonly number[]): number {
  return Math.round(quantileOf(valuesNs, 0.99));
}
