import { NS_PER_MS } from "../../shared/units.ts";
import type { AgentFacts, WindowFacts } from "./facts.ts";
import { type Finding, invalid, ms, percent, suspect } from "./finding.ts";

const GAP_ERROR_LIMIT_FRACTION = 0.1;
/** A window of agents whose clocks are known less well is suspect. */
export const CLOCK_ERROR_NS_MAX = 5 * NS_PER_MS;
const LENGTHS_OFF_FRACTION_MAX = 0.01;

/**
 * Can this agent tell a pause of the SLO's size at all? A read that comes late moves single gaps by all of its delay, and
 * the mean gap of a request hardly: each is held against limits of its own kind.
 */
export function gapFindings({ agents, gapLimitNs, itlLimitNs }: WindowFacts): Finding[] {
  return agents.flatMap(({ agentId, gapErrorP99Ns, itlErrorP99Ns }) => [
    ...mistaken(agentId, "gaps", { errorNs: gapErrorP99Ns, limitNs: gapLimitNs }),
    ...mistaken(agentId, "mean gaps (ITL)", { errorNs: itlErrorP99Ns, limitNs: itlLimitNs }),
  ]);
}

function mistaken(
  agentId: string,
  what: string,
  { errorNs = 0, limitNs = Infinity }: { errorNs: number | undefined; limitNs: number | undefined },
): Finding[] {
  const boundNs = GAP_ERROR_LIMIT_FRACTION * limitNs;
  if (errorNs <= boundNs) return [];
  return [
    invalid(
      agentId,
      `agent ${agentId} mistakes ${what} by ${ms(errorNs)} ms by itself (p99 against a null sink, bound ${ms(boundNs)} ms: 10 % of their tightest limit); run it on a quieter machine`,
    ),
  ];
}

/** Latencies are each agent's own; only how the agents' arrivals lie to each other hangs on the offsets. */
export function clockFindings({ agents }: WindowFacts): Finding[] {
  const moved = agents
    .filter(({ clockMovedNs }) => clockMovedNs > CLOCK_ERROR_NS_MAX)
    .map(({ agentId, clockMovedNs }) =>
      suspect(
        agentId,
        `agent ${agentId}: its clock moved by ${ms(clockMovedNs)} ms during the run (bound 5 ms): its arrivals were as far out of step with those of other agents, and times that span the step are wrong; see whether its machine was suspended or moved`,
      ),
    );
  const loose = agents
    .filter(({ clockErrorBoundNs }) => clockErrorBoundNs > CLOCK_ERROR_NS_MAX)
    .map(({ agentId, clockErrorBoundNs }) =>
      suspect(
        agentId,
        `agent ${agentId}: its clock is only known to ±${ms(clockErrorBoundNs)} ms (bound 5 ms): arrivals of different agents may be that far out of step, latencies are not affected; use a nearer or quieter network`,
      ),
    );
  return [...moved, ...loose];
}

/** Forced lengths are a part of the plan: a server that generates others carries another load. */
export function lengthFindings({ agents }: WindowFacts): Finding[] {
  const off = sumOf(agents, ({ activity }) => activity.lengthsOff);
  const ended = sumOf(agents, ({ activity }) => activity.completedOk);
  if (off <= LENGTHS_OFF_FRACTION_MAX * ended) return [];
  return [
    invalid(
      undefined,
      `the server did not generate the lengths that --force-output asks for: ${off} of ${ended} answers (${percent(off / ended)}, bound 1 %) have another number of tokens; see whether it knows ignore_eos and min_tokens, or leave --force-output out`,
    ),
  ];
}

function sumOf(agents: readonly AgentFacts[], value: (agent: AgentFacts) => number): number {
  return agents.reduce((sum, agent) => sum + value(agent), 0);
}
