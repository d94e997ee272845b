import { WindowHasher } from "../shared/arrivals/window-hash.ts";
import { parseSlo } from "../shared/slo/grammar.ts";
import type { Segment } from "../shared/segment/segment.ts";
import { arrivalsAt, arrivalTemplateOf, type Plan } from "../coordinator/plan/plan.ts";
import { procedureOf } from "../coordinator/run/procedure-of.ts";
import { segmentOf } from "../coordinator/run/segment-of.ts";

/** What one agent would do of the plan's first segment. */
interface DryShare {
  readonly agentId: string;
  /** Arrivals of the recorded window that are its own; 0 for modes without a schedule. */
  readonly arrivals: number;
}

/** The resolved plan, the agents' shares and the schedule hash of the first segment, as JSON; fires nothing. */
export function dryRun(plan: Plan, agentCount: number): string {
  const agentIds = Array.from({ length: agentCount }, (_, place) => `local-${place + 1}`);
  const segment = firstSegmentOf(plan, agentIds);
  const hashes = agentIds.map((agentId) => hashOf(segment, plan.seed, agentId));
  const shares: DryShare[] = agentIds.map((agentId, place) => ({
    agentId,
    arrivals: hashes[place]?.ownedCount ?? 0,
  }));
  const scheduleHash = hashes[0]?.hashHex ?? "";
  return `${JSON.stringify({ plan, firstSegment: segment, shares, scheduleHash: scheduleHash === "" ? null : scheduleHash }, null, 2)}\n`;
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

function hashOf(
  segment: Segment,
  seed: number,
  agentId: string,
): ReturnType<WindowHasher["result"]> {
  const hasher = new WindowHasher({ segment, seed, agentId });
  while (!hasher.step(100_000));
  return hasher.result();
}
