import { FleetArrivals } from "../../shared/arrivals/striped.ts";
import { placeOfAgent } from "../../shared/arrivals/share.ts";
import { addCounters, type Counters, zeroCounters } from "../../shared/measurement/counters.ts";
import type { ClauseCount } from "../../shared/measurement/interval.ts";
import type { Segment } from "../../shared/segment/segment.ts";
import { evaluateAll, evaluateClause } from "../../shared/slo/evaluate.ts";
import type { Clause, Slo } from "../../shared/slo/slo.ts";
import {
  addClauseCounts,
  type MergedInterval,
  openOf,
  type SegmentMerge,
} from "../merge/segment-merge.ts";

/** An agent that was lost in a window, and what it had reported of it. */
export interface LostAgent {
  readonly segment: Segment;
  /** Run clock, ns: where the recorded window ends. */
  readonly untilNs: number;
  readonly seed: number;
  readonly agentId: string;
  readonly counters: Counters;
}

/** Requests of the window whose outcome went with their agent: open at its last report, or never reported at all. */
export function unknownCountOf({ counters, ...lost }: LostAgent): number {
  return openOf(counters) + Math.max(0, ownedCount(lost) - counters.scheduled);
}

/** Requests of a window that were open when their agent was last heard of. */
export function lostOpenOf({ agents }: SegmentMerge, active: readonly string[]): number {
  let open = 0;
  for (const [agentId, { counters }] of agents)
    if (!active.includes(agentId)) open += openOf(counters);
  return open;
}

/** A mode without a schedule owns nothing in advance: what an agent had not reported there is not known to exist. */
function ownedCount({ segment, untilNs, seed, agentId }: Omit<LostAgent, "counters">): number {
  const place = placeOfAgent(segment.shares, agentId);
  const arrivals = new FleetArrivals({ segment, seed });
  let owned = 0;
  while (arrivals.next()) {
    const atNs = segment.startAtNs + arrivals.offsetNs;
    if (atNs >= untilNs) break;
    if (arrivals.place === place && atNs >= segment.recordFromNs) owned += 1;
  }
  return owned;
}

/** Whether the SLO is met, or violated, with every unknown request good as with every one bad; without an SLO it is. */
export function verdictHolds(
  slo: Slo,
  intervals: readonly MergedInterval[],
  unknown: number,
): boolean {
  if (unknown === 0 || slo.length === 0) return true;
  const recorded = intervals.filter((interval) => interval.recorded);
  const counters = recorded.reduce(
    (sum, interval) => addCounters(sum, interval.counters),
    zeroCounters(),
  );
  const verdicts = slo.map((clause, position) => {
    const count = recorded.reduce<ClauseCount | undefined>((sum, { clauses }) => {
      const next = clauses[position];
      return sum === undefined || next === undefined ? (sum ?? next) : addClauseCounts(sum, next);
    }, undefined);
    if (count === undefined) return "undecided";
    const lost = unknown * partsOfRequest(clause, count, counters);
    return evaluateClause(clause, count, { open: 0, lost });
  });
  return evaluateAll(verdicts) !== "undecided";
}

/** A clause about gaps counts several of each request. */
function partsOfRequest(clause: Clause, count: ClauseCount, { fired }: Counters): number {
  const isPooled = clause.kind === "quantile" && clause.metric === "gap";
  return isPooled ? Math.max(1, Math.ceil(count.total / Math.max(1, fired))) : 1;
}
