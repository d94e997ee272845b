import type { Segment } from "../../shared/segment/segment.ts";
import { NS_PER_SECOND } from "../../shared/units.ts";
import type { Coverage, Stretch } from "../merge/coverage.ts";
import type { SilentStretch } from "../show/result.ts";
import { partUntilNs } from "./load-bounds.ts";
import type { RunEnd } from "./run-contract.ts";

/**
 * Where agents' reports leave out a segment without a schedule. Its requests have no index, so that a lost agent's can
 * only be named by when they were sent.
 */
export function silentStretchesOf(end: RunEnd): readonly SilentStretch[] {
  const firstNs = end.driven[0]?.segment.startAtNs ?? 0;
  const secondsOf = (atNs: number): number => Math.round((atNs - firstNs) / 1e6) / 1e3;
  return end.driven.flatMap(({ segment }, place) => {
    return sendersOf(segment).flatMap((agentId) => {
      const coverage = end.merge.coverageOf(agentId);
      const untilNs = partUntilNs(end, place, agentId);
      return holesOf(segment, coverage, untilNs).map((hole) => ({
        segment: segment.number,
        agentId,
        fromS: secondsOf(hole.fromNs),
        untilS: secondsOf(hole.untilNs),
      }));
    });
  });
}

function sendersOf({ mode, shares }: Segment): readonly string[] {
  switch (mode.kind) {
    case "open":
    case "idle":
      return [];
    case "serial":
      return [mode.agentId];
    case "closed":
    case "backlog":
      return shares.map(({ agentId }) => agentId);
  }
}

/** Shorter than what an agent's clock may be off by, and than any request: no hole. */
const HOLE_NS_MIN = 0.001 * NS_PER_SECOND;

function holesOf(
  { number, startAtNs }: Segment,
  coverage: Coverage | undefined,
  untilNs: number,
): readonly Pick<Stretch, "fromNs" | "untilNs">[] {
  // While it reported another segment, it sent nothing of this one, and that is known.
  const told = [...(coverage?.stretches ?? [])].sort((a, b) => a.fromNs - b.fromNs);
  const holes: Pick<Stretch, "fromNs" | "untilNs">[] = [];
  let atNs = startAtNs;
  for (const stretch of told) {
    if (stretch.untilNs <= atNs || stretch.segment < number) continue;
    if (stretch.fromNs >= untilNs) break;
    holes.push({ fromNs: atNs, untilNs: stretch.fromNs });
    atNs = stretch.untilNs;
  }
  holes.push({ fromNs: atNs, untilNs });
  return holes.filter((hole) => hole.untilNs - hole.fromNs >= HOLE_NS_MIN);
}
