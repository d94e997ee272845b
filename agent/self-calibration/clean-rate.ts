import type { CleanRate } from "../../shared/control/control.ts";

/** What a burst cost this process. */
export interface BurstCost {
  readonly requests: number;
  /** Of their answers, as far as they came within the burst. */
  readonly tokens: number;
  /** Of this process's CPU, without what it spent waiting. */
  readonly cpuSeconds: number;
}

/**
 * How busy an agent may be and still pass its own checks. Those end at 0.9 (coordinator/validity); the rest is for
 * what a burst of a second does not see.
 */
const UTILISATION_CLEAN = 0.85;
/** Timer and counter resolution: nothing costs less. */
const COST_SECONDS_MIN = 1e-7;

/**
 * The highest rates that leave the agent below `UTILISATION_CLEAN`, from the CPU of two bursts whose answers differ in
 * length: two equations in the CPU of a request and that of a token.
 *
 *     cpu = requests × perRequest + tokens × perToken
 *
 * @param availableFraction of a core; below 1 where a quota or too few cores withhold the rest.
 */
export function cleanRateOf(
  bursts: { readonly short: BurstCost; readonly long: BurstCost },
  availableFraction: number,
): CleanRate {
  const { perRequestS, perTokenS } = costsOf(bursts.short, bursts.long);
  const budget = UTILISATION_CLEAN * availableFraction;
  return {
    cleanRatePerSecond: budget / perRequestS,
    cleanTokensPerSecond: budget / perTokenS,
  };
}

interface Costs {
  readonly perRequestS: number;
  readonly perTokenS: number;
}

function costsOf(short: BurstCost, long: BurstCost): Costs {
  const determinant = short.requests * long.tokens - long.requests * short.tokens;
  if (determinant <= 0) return lumpedCosts(long);
  const perTokenS =
    (short.requests * long.cpuSeconds - long.requests * short.cpuSeconds) / determinant;
  const perRequestS =
    (short.cpuSeconds * long.tokens - long.cpuSeconds * short.tokens) / determinant;
  // Noise can make one of them negative: the long burst then says what both cost together.
  if (perTokenS <= 0 || perRequestS <= 0) return lumpedCosts(long);
  return {
    perRequestS: Math.max(COST_SECONDS_MIN, perRequestS),
    perTokenS: Math.max(COST_SECONDS_MIN, perTokenS),
  };
}

/** A request is dearer than a token by about this much: sending, connection, headers, record. */
const REQUEST_IN_TOKENS = 8;

/** Costs of a burst that is known alone. */
export function lumpedCosts({ requests, tokens, cpuSeconds }: BurstCost): Costs {
  const perTokenS = Math.max(
    COST_SECONDS_MIN,
    cpuSeconds / Math.max(1, REQUEST_IN_TOKENS * requests + tokens),
  );
  return { perRequestS: REQUEST_IN_TOKENS * perTokenS, perTokenS };
}

/** The rate at which requests of `tokens` tokens keep an agent busy for a part `utilisation` of the time. */
export function rateAt(costs: Costs, tokens: number, utilisation: number): number {
  return utilisation / (costs.perRequestS + tokens * costs.perTokenS);
}
