import type { PolicySummary, PrepareRun, Refusal } from "../../shared/control/control.ts";
import type { Segment } from "../../shared/segment/segment.ts";

/** A target with the addresses its name had when the run was prepared; only these are connected to. */
export interface ResolvedTarget {
  readonly host: string;
  readonly port: number;
  /** IP addresses, without brackets; at least one. */
  readonly addresses: readonly string[];
}

export type Policy = PolicySummary;

/** Why this agent will not take the run, or undefined when it may. */
export function checkPlan(
  policy: Policy,
  prepareRun: PrepareRun,
  resolved: ResolvedTarget,
): Refusal | undefined {
  throw new Error(`not built: ${policy.targets.join()} ${prepareRun.runId} ${resolved.host}`);
}

/** Why this agent will not take its share of the segment, or undefined when it may. */
export function checkSegment(
  policy: Policy,
  segment: Segment,
  agentId: string,
): Refusal | undefined {
  throw new Error(`not built: ${policy.targets.join()} ${segment.number} ${agentId}`);
}
