import { likelyCauses } from "./causes.ts";
import type { AgentFacts, WindowFacts } from "./facts.ts";
import { type Finding, invalid, ms, suspect } from "./finding.ts";

/** Is everything there that should be? */
export function completenessFindings(facts: WindowFacts): Finding[] {
  return [
    ...facts.problems.map((problem) => invalid(undefined, problem)),
    ...facts.agents.flatMap((agent) => [
      ...lossFindings(agent, facts),
      ...switchFindings(agent),
      ...coverageFindings(agent),
    ]),
  ];
}

function lossFindings(agent: AgentFacts, { verdictHolds }: WindowFacts): Finding[] {
  const { agentId, lost } = agent;
  if (lost === undefined) return [];
  const what = `agent ${agentId} was lost in this window: the outcome of ${lost.unknownCount} of its requests is not known`;
  return verdictHolds
    ? [
        suspect(
          agentId,
          `${what}; the verdict is the same with all of them good and all of them bad`,
        ),
      ]
    : [
        invalid(
          agentId,
          `${what}, and the verdict hangs on them; see its log, and run again${likelyCauses(agent)}`,
        ),
      ];
}

function switchFindings(agent: AgentFacts): Finding[] {
  const { agentId, switched } = agent;
  if (switched) return [];
  return [
    invalid(
      agentId,
      `agent ${agentId} did not start the segment: its lease came too late; see to its network and load${likelyCauses(agent)}`,
    ),
  ];
}

function coverageFindings(agent: AgentFacts): Finding[] {
  const { agentId, missingNs, lost, switched } = agent;
  if (missingNs <= 0 || lost !== undefined || !switched) return [];
  return [
    invalid(
      agentId,
      `agent ${agentId}'s reports leave ${ms(missingNs)} ms of the window out (bound 0): see its log${likelyCauses(agent)}`,
    ),
  ];
}
