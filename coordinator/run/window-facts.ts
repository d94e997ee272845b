import { zeroCounters } from "../../shared/measurement/counters.ts";
import { Histogram } from "../../shared/measurement/histogram.ts";
import { unitsPerTick } from "../../shared/measurement/metric.ts";
import type { Segment } from "../../shared/segment/segment.ts";
import type { Roster } from "../fleet/roster.ts";
import type { RunMerge } from "../merge/run-merge.ts";
import type { AgentPart } from "../merge/segment-merge.ts";
import type { AgentFacts } from "../validity/validity.ts";

export interface WindowFactsInput {
  readonly segment: Segment;
  readonly merge: RunMerge;
  readonly roster: Roster;
  /** Agents that are still there. */
  readonly active: readonly string[];
}

/** What the generator's judge is told of each agent over one segment's recorded window. */
export function agentFactsOf(input: WindowFactsInput): AgentFacts[] {
  return input.segment.shares.map(({ agentId }) => factsOf(input, agentId));
}

const NOTHING_SENT: AgentPart = {
  counters: zeroCounters(),
  sendDelay: new Histogram(unitsPerTick("send_delay")),
};

function factsOf(
  { segment, merge, roster, active }: WindowFactsInput,
  agentId: string,
): AgentFacts {
  const begun = merge.sealedUntilNs(active) > segment.startAtNs;
  const { counters, sendDelay } = merge.segment(segment.number).agents.get(agentId) ?? NOTHING_SENT;
  return {
    agentId,
    counters,
    sendDelay,
    health: (merge.healthOf(agentId)?.intervals ?? []).filter(
      ({ fromNs, toNs }) => fromNs >= segment.recordFromNs && toNs <= segment.recordUntilNs,
    ),
    clockErrorBoundNs: roster.get(agentId)?.clockOffset?.errorBoundNs ?? 0,
    lost: !active.includes(agentId),
    switched: !begun || merge.firingSegmentOf(agentId) >= segment.number,
  };
}
