import { FleetArrivals } from "../../shared/arrivals/striped.ts";
import type { Segment } from "../../shared/segment/segment.ts";
import type { ArrivalRun } from "../../shared/measurement/report.ts";
import type { Coverage, Stretch } from "../merge/coverage.ts";
import type { LostArrivals, LostView } from "../show/result.ts";
import { silentStretchesOf } from "./silent-stretches.ts";
import { partUntilNs } from "./load-bounds.ts";
import type { DrivenSegment, RunEnd } from "./run-contract.ts";

/**
 * What a run does not know, from its reports alone: each arrival that no report accounts for or that an agent held
 * back, and how many requests have no known outcome.
 *
 * An arrival counts as reported when its agent sealed the instant at which it was intended while it fired its segment.
 */
export function lostOf(end: RunEnd, seed: number): LostView {
  const arrivalRanges = end.driven.flatMap((_, place) => missingIn(end, place, seed));
  const silentStretches = silentStretchesOf(end);
  const unsure = arrivalRanges.filter(({ offered }) => offered === "unknown");
  return {
    arrivalRanges,
    ...(silentStretches.length === 0 ? {} : { silentStretches }),
    unknownCount:
      end.agentIds.reduce((sum, agentId) => sum + end.merge.undecidedOf(agentId), 0) +
      unsure.reduce((sum, { count }) => sum + count, 0),
  };
}

function missingIn(end: RunEnd, place: number, seed: number): readonly LostArrivals[] {
  const { segment } = end.driven[place] as DrivenSegment;
  const walks = segment.shares.map(({ agentId }) => {
    const coverage = end.merge.coverageOf(agentId);
    const untilNs = partUntilNs(end, place, agentId);
    return isWhole(segment, coverage, untilNs)
      ? undefined
      : new AgentWalk({ segment: segment.number, agentId, coverage, untilNs });
  });
  const untilNs = Math.max(...walks.map((walk) => walk?.untilNs ?? 0));
  if (untilNs === 0) return [];
  const arrivals = new FleetArrivals({ segment, seed });
  while (arrivals.next()) {
    const atNs = segment.startAtNs + arrivals.offsetNs;
    if (atNs >= untilNs) break;
    walks[arrivals.place]?.take(arrivals.index, atNs);
  }
  return walks.flatMap((walk) => walk?.ranges ?? []);
}

/** Whether nothing of the agent's part is missing; a mode without a schedule has no arrivals that could. */
function isWhole(segment: Segment, coverage: Coverage | undefined, untilNs: number): boolean {
  if (segment.mode.kind !== "open" || untilNs <= segment.startAtNs) return true;
  if (coverage === undefined || coverage.heldBackOf(segment.number).length > 0) return false;
  return coverage.stretches.some(
    (stretch) =>
      stretch.segment === segment.number &&
      stretch.fromNs <= segment.startAtNs &&
      stretch.untilNs >= untilNs,
  );
}

/** One agent's arrivals of one segment, in order; those that it did not offer, or is not known to have, in ranges. */
class AgentWalk {
  readonly ranges: LostArrivals[] = [];
  /** Run clock, ns: later arrivals were not the agent's to offer. */
  readonly untilNs: number;
  readonly #segment: number;
  readonly #agentId: string;
  readonly #stretches: readonly Stretch[];
  readonly #heldBack: readonly ArrivalRun[];
  /** What the arrival before was; undefined: reported. */
  #before: LostArrivals["offered"] | undefined;

  constructor(of: {
    readonly segment: number;
    readonly agentId: string;
    readonly coverage: Coverage | undefined;
    readonly untilNs: number;
  }) {
    const { segment, agentId, coverage } = of;
    this.#segment = segment;
    this.#agentId = agentId;
    this.untilNs = of.untilNs;
    this.#stretches = coverage?.stretches ?? [];
    this.#heldBack = coverage?.heldBackOf(segment) ?? [];
  }

  take(index: number, atNs: number): void {
    if (atNs >= this.untilNs) return;
    const offered = this.#offered(index, atNs);
    const last = this.ranges.at(-1);
    if (offered !== undefined && last !== undefined && offered === this.#before)
      this.ranges[this.ranges.length - 1] = { ...last, to: index + 1, count: last.count + 1 };
    else if (offered !== undefined)
      this.ranges.push({
        segment: this.#segment,
        agentId: this.#agentId,
        from: index,
        to: index + 1,
        count: 1,
        offered,
      });
    this.#before = offered;
  }

  /** Undefined when the agent's reports account for it. */
  #offered(index: number, atNs: number): LostArrivals["offered"] | undefined {
    if (this.#heldBack.some(({ from, to }) => index >= from && index < to)) return "no";
    const there = this.#stretches.filter(({ fromNs, untilNs }) => atNs >= fromNs && atNs < untilNs);
    if (there.some(({ segment }) => segment === this.#segment)) return undefined;
    // It was there, and fired something else: it did not switch.
    return there.length > 0 ? "no" : "unknown";
  }
}
