import type { Segment } from "../../shared/segment/segment.ts";
import type { RunOptions } from "./run-contract.ts";
import type { RunLedger } from "./run-ledger.ts";

/**
 * What reports from behind a segment's start say of it. `nowhere`: every agent goes on without it, since the lease that
 * names it came to none of them in time, and agents begin nothing late. `unsure`: none has said so yet over a whole
 * interval. Where an agent of it is lost it counts as `begun`: that one may have.
 */
export type SegmentStart = "begun" | "unsure" | "nowhere";

export function startOf(
  { number, shares, startAtNs }: Segment,
  { merge, active }: Pick<RunLedger<unknown>, "merge" | "active">,
  { intervalNs }: Pick<RunOptions<unknown>, "intervalNs">,
): SegmentStart {
  const agentIds = shares.map(({ agentId }) => agentId);
  const hasBegun = (agentId: string): boolean =>
    (merge.coverageOf(agentId)?.stretches ?? []).some(({ segment }) => segment === number);
  if (agentIds.some((agentId) => !active.includes(agentId) || hasBegun(agentId))) return "begun";
  return merge.sealedUntilNs(agentIds) < startAtNs + intervalNs ? "unsure" : "nowhere";
}
