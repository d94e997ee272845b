import type { Clause } from "../shared/slo/slo.ts";
import { NS_PER_SECOND } from "../shared/units.ts";
import type { FifoConfig, SchedulerConfig } from "./scheduler/config.ts";
import { highestRate, md1MaxRate, md1WaitingCdf, mmcMaxRate } from "./theory.ts";

/**
 * The highest rate (requests/s) at which the simulator, undisturbed and under Poisson arrivals, meets a clause:
 * exact, from a closed form. Undefined where none is known (M/G/c, M/D/c with c > 1, batching, other metrics).
 *
 * Known are, for exponential service with any number of slots and fixed service with one:
 * - `ttft` with tokens after the service, whatever the output lengths; and with any spread for one-token outputs;
 * - `ttft` of one slot of fixed service with tokens inside it, for outputs of one length;
 * - `e2e` with tokens within the service, whatever the lengths; with tokens after it, for outputs of one length.
 *
 * @param outputTokens of every request; undefined when they vary.
 */
export function trueMaxRate(
  config: SchedulerConfig,
  clause: Clause,
  outputTokens?: number,
): number | undefined {
  if (config.kind !== "fifo" || clause.kind !== "quantile") return undefined;
  const limitS = clause.limit / NS_PER_SECOND;
  const { quantile, metric } = clause;
  if (metric === "ttft") return ttftMaxRate(config, { limitS, quantile }, outputTokens);
  if (metric === "e2e") return e2eMaxRate(config, { limitS, quantile }, outputTokens);
  return undefined;
}

interface Limit {
  readonly limitS: number;
  readonly quantile: number;
}

function ttftMaxRate(
  config: FifoConfig,
  limit: Limit,
  outputTokens: number | undefined,
): number | undefined {
  if (config.spread.kind === "after-service" || outputTokens === 1) {
    return sojournMaxRate(config, limit);
  }
  if (config.spread.kind !== "in-service" || outputTokens === undefined) return undefined;
  return heldSlotMaxRate(config, limit, outputTokens);
}

/** The time in system of the service alone. */
function sojournMaxRate(config: FifoConfig, limit: Limit): number | undefined {
  const { slots, service } = config;
  const meanS = service.meanNs / NS_PER_SECOND;
  if (service.kind === "exponential") return mmcMaxRate({ ...limit, c: slots, mu: 1 / meanS });
  if (service.kind === "fixed" && slots === 1) return md1MaxRate({ ...limit, serviceS: meanS });
  return undefined;
}

/** One slot, kept for S + (n − 1) · gap: an M/D/1 whose first token comes S after the wait. */
function heldSlotMaxRate(
  config: FifoConfig,
  limit: Limit,
  outputTokens: number,
): number | undefined {
  const { slots, service, spread } = config;
  if (service.kind !== "fixed" || slots !== 1 || spread.kind !== "in-service") return undefined;
  const firstS = service.meanNs / NS_PER_SECOND;
  const heldS = firstS + ((outputTokens - 1) * spread.gapNs) / NS_PER_SECOND;
  if (limit.limitS < firstS) return 0;
  return highestRate(
    1 / heldS,
    limit.quantile,
    (ratePerSecond) =>
      1 - md1WaitingCdf({ ratePerSecond, serviceS: heldS, waitS: limit.limitS - firstS }),
  );
}

function e2eMaxRate(
  config: FifoConfig,
  limit: Limit,
  outputTokens: number | undefined,
): number | undefined {
  const { spread } = config;
  if (spread.kind === "within-service" || outputTokens === 1) return sojournMaxRate(config, limit);
  if (outputTokens === undefined) return undefined;
  // The last token comes a fixed time after the first one.
  const restS = ((outputTokens - 1) * spread.gapNs) / NS_PER_SECOND;
  const limitS = limit.limitS - restS;
  if (limitS <= 0) return 0;
  return ttftMaxRate(config, { ...limit, limitS }, outputTokens);
}
