import type { Share } from "../../shared/arrivals/share.ts";

/** An agent that may carry an even part has this capacity; one that could not carries half, then a quarter of it. */
const CAPACITY_WHOLE = 4;

/**
 * How the next segment's load is spread: less for agents that the window before was invalid for. What they give away
 * goes to the others; where all of them were at fault, or there is one only, nothing can be moved.
 *
 * @param shares of the window before; undefined at first.
 * @param strained agents whose fault it was.
 */
export function spreadOver(
  agentIds: readonly string[],
  shares: readonly Share[] | undefined,
  strained: readonly string[],
): readonly Share[] {
  const capacities = agentIds.map((agentId) => {
    const before = shares?.find((share) => share.agentId === agentId)?.capacity ?? CAPACITY_WHOLE;
    return strained.includes(agentId) ? Math.max(1, Math.floor(before / 2)) : before;
  });
  return agentIds.map((agentId, place) => ({
    agentId,
    capacity: capacities[place] ?? CAPACITY_WHOLE,
  }));
}
