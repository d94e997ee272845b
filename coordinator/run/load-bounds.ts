import type { Segment } from "../../shared/segment/segment.ts";
import type { Coverage } from "../merge/coverage.ts";
import { SILENCE_NS } from "./gather.ts";
import { LEASE_NS } from "./prepare-run-of.ts";
import type { DrivenSegment, RunEnd } from "./run-contract.ts";

/**
 * A coordinator that hears of no agent for so long writes that down, so a killed one said its last words at most so long
 * before its end; and agents fire on for a lease.
 */
const CUT_OFF_NS = SILENCE_NS + LEASE_NS;

/** Where a segment was cut off. */
interface CutOff {
  /** Run clock, ns: the latest that was known when its coordinator was killed. */
  readonly atNs: number;
  /** Agents that told a later coordinator all they had. */
  readonly toldIds: readonly string[];
}

/** The end of a coordinator that came before the next segment took over; the segment need not be void for it. */
function cutOffOf(
  { driven, resumptions }: Pick<RunEnd, "driven" | "resumptions">,
  place: number,
): CutOff | undefined {
  const fromNs = driven[place]?.segment.startAtNs ?? 0;
  const untilNs = driven[place + 1]?.segment.startAtNs ?? Infinity;
  // Another may have been killed before it had heard everyone.
  const all = resumptions.filter(({ atNs }) => atNs >= fromNs && atNs < untilNs);
  const [first] = all;
  if (first === undefined) return undefined;
  return { atNs: first.atNs, toldIds: all.flatMap(({ takenBackIds }) => takenBackIds) };
}

type Known = Pick<
  RunEnd,
  "decision" | "driven" | "loadEndedAtNs" | "merge" | "resumptions" | "roster"
>;

/** Run clock, ns: up to here the agent was to offer its arrivals of the segment, or may have. */
export function partUntilNs(end: Known, place: number, agentId: string): number {
  const { segment } = end.driven[place] as DrivenSegment;
  const cutOff = cutOffOf(end, place);
  const lastNs = lastOf(segment, { agentId, coverage: end.merge.coverageOf(agentId), cutOff });
  return Math.min(segment.endByNs, loadUntilNs(end, place, agentId), lastNs);
}

function loadUntilNs(end: Known, place: number, agentId: string): number {
  const { driven, loadEndedAtNs, roster, decision } = end;
  const cutOff = cutOffOf(end, place);
  if (cutOff !== undefined) return cutOff.atNs + CUT_OFF_NS;
  const next = driven[place + 1];
  if (next !== undefined) return next.segment.startAtNs;
  // Whoever was lost when the run gave up was not told to stop.
  const isUntold = decision.kind === "agents-lost" && (roster.get(agentId)?.lost ?? true);
  return isUntold ? loadEndedAtNs + LEASE_NS : loadEndedAtNs;
}

/** Run clock, ns: where the agent's part ends for good: it told the next coordinator all it had of a segment cut off. */
function lastOf(
  { number }: Segment,
  of: {
    readonly agentId: string;
    readonly coverage: Coverage | undefined;
    readonly cutOff: CutOff | undefined;
  },
): number {
  const { agentId, coverage, cutOff } = of;
  if (cutOff?.toldIds.includes(agentId) !== true) return Infinity;
  const own = coverage?.stretches.filter(({ segment }) => segment === number) ?? [];
  return own.reduce((last, { untilNs }) => Math.max(last, untilNs), cutOff.atNs);
}
