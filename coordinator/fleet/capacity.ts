import type { CleanRate } from "../../shared/control/control.ts";

/** What of an agent's hello says how much it carries. */
export interface AgentCapacity extends CleanRate {
  readonly host: string;
  readonly cores: number;
}

/** How much one agent carries, requests/s of `tokens` output tokens each; undefined when it was not measured. */
export function cleanRateAt(agent: CleanRate, tokens: number): number | undefined {
  const { cleanRatePerSecond, cleanTokensPerSecond } = agent;
  if (cleanRatePerSecond <= 0 || cleanTokensPerSecond <= 0) return undefined;
  return 1 / (1 / cleanRatePerSecond + tokens / cleanTokensPerSecond);
}

/**
 * How much the agents of one host carry together, requests/s of `tokens` output tokens each; undefined as soon as one of
 * them was not measured. Where they are more than its cores they share them: an agent takes one core and no more.
 */
export function hostCleanRate(
  agents: readonly AgentCapacity[],
  tokens: number,
): number | undefined {
  let sumPerSecond = 0;
  for (const agent of agents) {
    const ratePerSecond = cleanRateAt(agent, tokens);
    if (ratePerSecond === undefined) return undefined;
    sumPerSecond += ratePerSecond * Math.min(1, Math.max(1, agent.cores) / agents.length);
  }
  return sumPerSecond;
}

/** How much a fleet carries, requests/s of `tokens` output tokens each; undefined as soon as one agent was not measured. */
export function fleetCleanRate(
  agents: readonly AgentCapacity[],
  tokens: number,
): number | undefined {
  let sumPerSecond = 0;
  for (const there of Map.groupBy(agents, ({ host }) => host).values()) {
    const ratePerSecond = hostCleanRate(there, tokens);
    if (ratePerSecond === undefined) return undefined;
    sumPerSecond += ratePerSecond;
  }
  return sumPerSecond;
}

/**
 * How many agents like these it takes for a rate, each with a core of its own; undefined as soon as one of these was
 * not measured, or there is none.
 */
export function agentsNeeded(
  agents: readonly CleanRate[],
  load: { readonly ratePerSecond: number; readonly tokens: number },
): number | undefined {
  let sumPerSecond = 0;
  for (const agent of agents) {
    const ratePerSecond = cleanRateAt(agent, load.tokens);
    if (ratePerSecond === undefined) return undefined;
    sumPerSecond += ratePerSecond;
  }
  if (agents.length === 0) return undefined;
  return Math.ceil(load.ratePerSecond / (sumPerSecond / agents.length));
}
