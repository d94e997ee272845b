import { assert } from "../assert.ts";
import { ExitCode, LoadError } from "../errors.ts";

/** One agent's place and weight in the striping of a segment. */
export interface Share {
  readonly agentId: string;
  /** Whole, at least 0; a share's part of the arrivals is capacity / sum of capacities. */
  readonly capacity: number;
}

/**
 * The most places of a share map. Computing one costs places × agents steps, and an agent does it between two
 * requests: 16,384 places over 100 agents take a few ms.
 */
export const SHARE_PLACES_MAX = 16_384;

/**
 * Who owns which arrival: arrival i belongs to `shares[map[i mod map.length]]`.
 *
 * Smooth weighted round robin (nginx's upstream module): each turn every agent's credit grows by its capacity,
 * the agent with the most credit (the first of equals) takes the place and pays the sum. An agent's places are
 * spread as evenly as they can be, so that a burst of the fleet is a burst of no single agent. The map repeats
 * after the sum of capacities over their greatest common divisor, and each agent holds exactly its part of it.
 *
 * @param shares capacities whole and at least 0, their sum above 0.
 * @throws LoadError LL_SHARES_TOO_FINE when the map would be longer than SHARE_PLACES_MAX.
 * @see https://github.com/nginx/nginx/commit/52327e0627f49dbda1e8db695e63a4b0af4448b1
 */
export function shareMap(shares: readonly Share[]): Uint16Array {
  const weights = reducedCapacities(shares);
  const places = weights.reduce((sum, weight) => sum + weight, 0);
  assert(places > 0, "the capacities of a segment's shares add up to more than 0");
  if (places > SHARE_PLACES_MAX) {
    throw new LoadError(
      `the capacities of ${shares.length} agents make a pattern of ${places} places, and the most is ${SHARE_PLACES_MAX}`,
      {
        code: "LL_SHARES_TOO_FINE",
        hint: "round the agents' capacities to few whole numbers (1, 2, 3, …)",
        exitCode: ExitCode.PlanInvalid,
      },
    );
  }
  const map = new Uint16Array(places);
  const credits = weights.map(() => 0);
  for (let place = 0; place < places; place++) map[place] = takePlace(credits, weights, places);
  return map;
}

/** One turn of the round robin; changes `credits`. */
function takePlace(credits: number[], weights: readonly number[], sum: number): number {
  let richest = 0;
  let most = -Infinity;
  for (const [agent, weight] of weights.entries()) {
    const credit = (credits[agent] ?? 0) + weight;
    credits[agent] = credit;
    // An agent of capacity 0 never takes a place, not even where every credit is 0.
    if (weight > 0 && credit > most) {
      richest = agent;
      most = credit;
    }
  }
  credits[richest] = most - sum;
  return richest;
}

function reducedCapacities(shares: readonly Share[]): number[] {
  for (const { capacity } of shares) {
    assert(Number.isSafeInteger(capacity) && capacity >= 0, "a capacity is whole and at least 0");
  }
  const divisor = shares.reduce(
    (common, share) => greatestCommonDivisor(common, share.capacity),
    0,
  );
  return shares.map((share) => share.capacity / Math.max(1, divisor));
}

function greatestCommonDivisor(a: number, b: number): number {
  return b === 0 ? a : greatestCommonDivisor(b, a % b);
}

/** The agent's position in the shares; -1 when it has none. */
export function placeOfAgent(shares: readonly Share[], agentId: string): number {
  return shares.findIndex((share) => share.agentId === agentId);
}

/**
 * Shares a whole number out in proportion to the capacities: each gets the whole part of its quota, and what is
 * left goes one by one to the largest remainders (the first of equals). Used where there is no schedule to stripe:
 * streams of a closed mode, the bound of a backlog.
 *
 * @param total whole, at least 0.
 * @param capacities whole, at least 0; their sum above 0, and total × each of them a safe integer.
 * @returns one number an agent, in order, whose sum is `total`.
 */
export function largestRemainder(total: number, capacities: readonly number[]): number[] {
  const sum = capacities.reduce((whole, capacity) => whole + capacity, 0);
  assert(sum > 0, "the capacities to share over add up to more than 0");
  assert(
    Number.isSafeInteger(total * Math.max(...capacities)),
    "the quotas can be computed exactly",
  );

  const parts = capacities.map((capacity) => Math.floor((total * capacity) / sum));
  const left = total - parts.reduce((whole, part) => whole + part, 0);
  const byRemainder = capacities
    .map((capacity, agent) => ({ agent, remainder: (total * capacity) % sum }))
    .sort((a, b) => b.remainder - a.remainder || a.agent - b.agent);
  for (const { agent } of byRemainder.slice(0, left)) parts[agent] = (parts[agent] ?? 0) + 1;
  return parts;
}
