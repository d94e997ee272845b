import type { Share } from "../../shared/arrivals/share.ts";
import { type AgentCapacity, hostCleanRate } from "./capacity.ts";

/**
 * The agents of the fastest machine have this capacity. Coarse, since clean rates are not known better: machines that
 * are alike get even parts. One that could not carry its part has half, then a quarter of it.
 */
const CAPACITY_WHOLE = 4;

/**
 * How a run's first segment is spread: after what the agents of each machine carry on average, in quarters of the
 * fastest; evenly over those of one machine, and over all as soon as one of them was not measured.
 *
 * @param tokens output tokens of a request, on average.
 */
export function firstShares(
  agents: readonly (AgentCapacity & { readonly agentId: string })[],
  tokens: number,
): readonly Share[] {
  const hosts = Map.groupBy(agents, ({ host }) => host);
  const rates = new Map<string, number>();
  for (const [host, there] of hosts)
    rates.set(host, (hostCleanRate(there, tokens) ?? NaN) / there.length);
  const fastest = Math.max(...rates.values());
  return agents.map(({ agentId, host }) => {
    const quarters = Math.round((CAPACITY_WHOLE * (rates.get(host) ?? NaN)) / fastest);
    return { agentId, capacity: Number.isNaN(quarters) ? CAPACITY_WHOLE : Math.max(1, quarters) };
  });
}

/**
 * How the next segment's load is spread: as before, with less for agents that the window before was invalid for. What
 * they give away goes to the others; where all of them were at fault, or there is one only, nothing can be moved.
 *
 * @param shares of the window before.
 * @param strained agents whose fault it was.
 */
export function spreadOver(
  agentIds: readonly string[],
  shares: readonly Share[],
  strained: readonly string[],
): readonly Share[] {
  return agentIds.map((agentId) => {
    const before = shares.find((share) => share.agentId === agentId)?.capacity ?? CAPACITY_WHOLE;
    const capacity = strained.includes(agentId) ? Math.max(1, Math.floor(before / 2)) : before;
    return { agentId, capacity };
  });
}
