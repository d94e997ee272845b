import { assert } from "../assert.ts";
import { ExitCode, LoadError } from "../errors.ts";

/** One agent's place and weight in the striping of a segment. */
export interface Share {
  readonly agentId: string;
  /** Whole, at least 0; a share's part of the arrivals is capacity / sum of capacities. */
  readonly capacity: number;
}

/** The most places of a share map: at most some ms of work, which an agent does while it fires. */
export const SHARE_PLACES_MAX = 65_536;

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
  const places = sharePlaces(shares);
  assert(places > 0, "the capacities of a segment's shares add up to more than 0");
  assert(
    shares.length <= SHARE_PLACES_MAX,
    "a share map's entries of 16 bits can name every agent",
  );
  if (places > SHARE_PLACES_MAX) throw tooFine(shares.length, places);
  const weights = reducedCapacities(shares);

  const peers = peersByWeight(weights);
  const map = new Uint16Array(places);
  for (let turn = 0; turn < places; turn++) map[turn] = takePlace(peers, turn, places);
  return map;
}

/** How many places the share map has; at most SHARE_PLACES_MAX, or there is none. */
export function sharePlaces(shares: readonly Share[]): number {
  return reducedCapacities(shares).reduce((sum, weight) => sum + weight, 0);
}

/**
 * Agents of one weight. After t turns an agent that took k places has the credit weight · t − sum · k, so of peers
 * the one with the fewest places is next, in the order of the shares: they simply go round. Comparing the next of
 * each group instead of all agents makes a map of n places cost at most n · √(2 n), however many agents there are.
 */
interface Peers {
  readonly weight: number;
  readonly agents: readonly number[];
  /** Position in `agents` of the one whose turn it is, and how many places it took. */
  next: number;
  taken: number;
}

function peersByWeight(weights: readonly number[]): readonly Peers[] {
  const groups = new Map<number, number[]>();
  for (const [agent, weight] of weights.entries()) {
    const agents = groups.get(weight);
    if (agents === undefined) groups.set(weight, [agent]);
    else agents.push(agent);
  }
  return Array.from(groups, ([weight, agents]) => ({ weight, agents, next: 0, taken: 0 }));
}

/**
 * One turn of the round robin: who takes the place. The credits of all agents add up to `sum` here, so the most is
 * above 0, and an agent of capacity 0, whose credit is always 0, takes none.
 */
function takePlace(groups: readonly Peers[], turn: number, sum: number): number {
  let richest: Peers | undefined;
  let most = -Infinity;
  let taker = -1;
  for (const peers of groups) {
    const credit = peers.weight * (turn + 1) - sum * peers.taken;
    const agent = peers.agents[peers.next] ?? -1;
    if (credit < most || (credit === most && agent > taker)) continue;
    richest = peers;
    most = credit;
    taker = agent;
  }
  assert(richest !== undefined, "an agent has a capacity above 0");
  richest.next++;
  if (richest.next === richest.agents.length) {
    richest.next = 0;
    richest.taken++;
  }
  return taker;
}

function tooFine(agents: number, places: number): LoadError {
  return new LoadError(
    `the capacities of ${agents} agents make a pattern of ${places} places, and ${SHARE_PLACES_MAX} is the most`,
    {
      code: "LL_SHARES_TOO_FINE",
      hint: "round the agents' capacities to few whole numbers (1, 2, 3, …)",
      exitCode: ExitCode.PlanInvalid,
    },
  );
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
