import type { AgentFacts, WindowFacts } from "./facts.ts";
import { type Finding, invalid, percent } from "./finding.ts";

const FIRED_FRACTION_MIN = 0.99;

/** Offered = planned: what was not sent, and whose fault that is. */
export function offeredFindings(facts: WindowFacts): Finding[] {
  // Where each agent offers its 99 %, so do all together.
  return facts.agents.flatMap((agent) => offeredBy(agent, facts));
}

function offeredBy(agent: AgentFacts, facts: WindowFacts): Finding[] {
  const { agentId, counters, activity } = agent;
  const findings: Finding[] = [];
  const { droppedSocket, droppedPolicy, notOfferedAborted } = counters;
  const withoutSocket = droppedSocket + activity.ownConnectErrors;
  if (withoutSocket > 0)
    findings.push(
      invalid(
        agentId,
        `agent ${agentId} had no socket for ${withoutSocket} arrivals (bound 0): its machine ran out of file descriptors or local ports; raise ulimit -n, free ports, or use more agents on other hosts`,
      ),
    );
  if (droppedPolicy > 0)
    findings.push(
      invalid(
        agentId,
        `agent ${agentId}'s policy kept ${droppedPolicy} arrivals back (bound 0); start it with higher limits, or lower the rate`,
      ),
    );
  findings.push(...boundReached(agent, facts));
  const offered = offeredOf(agent);
  if (counters.scheduled > 0 && offered / counters.scheduled < FIRED_FRACTION_MIN)
    findings.push(
      invalid(
        agentId,
        `agent ${agentId} offered ${offered} of ${counters.scheduled} arrivals (${percent(offered / counters.scheduled)}, bound 99 %; ${notOfferedAborted} held back); see that it hears the coordinator all the time`,
      ),
    );
  return findings;
}

/** A drop at the in-flight bound is overload where requests pile up unanswered; else the bound is too low for the plan. */
function boundReached({ agentId, counters }: AgentFacts, { backlogGrew }: WindowFacts): Finding[] {
  const { droppedInFlightBound } = counters;
  if (droppedInFlightBound === 0 || backlogGrew) return [];
  return [
    invalid(
      agentId,
      `agent ${agentId} dropped ${droppedInFlightBound} arrivals at its bound of requests in flight while first tokens came as fast as ever: the bound, not the server, held the load back; raise --max-in-flight`,
    ),
  ];
}

/** Drops for overload are the server's: to the plan they count as offered. */
function offeredOf({ counters }: AgentFacts): number {
  return counters.fired + counters.droppedInFlightBound;
}
