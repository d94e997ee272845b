import type { Segment } from "../../shared/segment/segment.ts";
import { NS_PER_SECOND } from "../../shared/units.ts";
import type { Coverage } from "../merge/coverage.ts";
import { LEASE_NS } from "./prepare-run-of.ts";
import type { DrivenSegment, Resumption, RunEnd } from "./run-contract.ts";

/** A killed coordinator said its last words at most an interval before its end, and agents fire on for a lease. */
const CUT_OFF_NS = LEASE_NS + NS_PER_SECOND;

/** The end of a coordinator that came before the next segment took over; the segment need not be void for it. */
export function cutOffOf(
  { driven, resumptions }: Pick<RunEnd, "driven" | "resumptions">,
  place: number,
): Resumption | undefined {
  const fromNs = driven[place]?.segment.startAtNs ?? 0;
  const untilNs = driven[place + 1]?.segment.startAtNs ?? Infinity;
  return resumptions.find(({ atNs }) => atNs >= fromNs && atNs < untilNs);
}

/** Run clock, ns: up to here the segment's arrivals were to be offered. */
export function loadUntilNs(
  { driven, loadEndedAtNs, resumptions }: Pick<RunEnd, "driven" | "loadEndedAtNs" | "resumptions">,
  place: number,
): number {
  const { segment } = driven[place] as DrivenSegment;
  const cutOff = cutOffOf({ driven, resumptions }, place);
  if (cutOff !== undefined) return Math.min(segment.endByNs, cutOff.atNs + CUT_OFF_NS);
  return Math.min(segment.endByNs, driven[place + 1]?.segment.startAtNs ?? loadEndedAtNs);
}

/** Run clock, ns: where the agent's part ends for good: it told the next coordinator all it had of a segment cut off. */
export function lastOf(
  { number }: Segment,
  of: {
    readonly agentId: string;
    readonly coverage: Coverage | undefined;
    readonly cutOff: Resumption | undefined;
  },
): number {
  const { agentId, coverage, cutOff } = of;
  if (cutOff?.takenBackIds.includes(agentId) !== true) return Infinity;
  const own = coverage?.stretches.filter(({ segment }) => segment === number) ?? [];
  return own.reduce((last, { untilNs }) => Math.max(last, untilNs), cutOff.atNs);
}
