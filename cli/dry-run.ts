import { parseSlo } from "../shared/slo/grammar.ts";
import type { Segment } from "../shared/segment/segment.ts";
import { arrivalsAt, arrivalTemplateOf, type Plan } from "../coordinator/plan/plan.ts";
import { splitSummary } from "../coordinator/plan/split.ts";
import { procedureOf } from "../coordinator/run/procedure-of.ts";
import { segmentOf } from "../coordinator/run/segment-of.ts";

/** The resolved plan, the agents' shares and the schedule hash of the first segment, as JSON; fires nothing. */
export function dryRun(plan: Plan, agentCount: number): string {
  const agentIds = Array.from({ length: agentCount }, (_, place) => `local-${place + 1}`);
  const firstSegment = firstSegmentOf(plan, agentIds);
  const { shares, scheduleHash } = splitSummary(firstSegment, plan.seed);
  return `${JSON.stringify({ plan, firstSegment, shares, scheduleHash }, null, 2)}\n`;
}

function firstSegmentOf(plan: Plan, agentIds: readonly string[]): Segment {
  const step = procedureOf(plan, parseSlo(plan.slo)).begin();
  if (step.decision.kind !== "next") throw new Error("a procedure begins with a segment");
  const template = arrivalTemplateOf(plan);
  return segmentOf({
    request: step.decision.request,
    number: 1,
    seed: plan.seed,
    startAtNs: 0,
    shares: agentIds.map((agentId) => ({ agentId, capacity: 1 })),
    arrivalsOf: (ratePerSecond, durationS) => arrivalsAt(template, { ratePerSecond, durationS }),
  });
}
