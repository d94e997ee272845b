import { FleetArrivals } from "../../shared/arrivals/striped.ts";
import type { Segment } from "../../shared/segment/segment.ts";
import type { RecordSums, WindowRecords } from "../merge/record-sums.ts";
import type { RunMerge } from "../merge/run-merge.ts";
import { openOf } from "../merge/segment-merge.ts";
import type { Departures, InFlightBooks, RecordFacts } from "../validity/facts.ts";

export interface RecordFactsInput {
  readonly segment: Segment;
  /** Run clock, ns: where the recorded window ends. */
  readonly untilNs: number;
  readonly seed: number;
  readonly merge: RunMerge;
  readonly sums: RecordSums;
  readonly agentIds: readonly string[];
}

/** What the records tell of one window, after the run; which tests they do not allow is told in words. */
export function recordFactsOf(input: RecordFactsInput): RecordFacts {
  const { segment, merge, sums, agentIds } = input;
  const missing = missingRecords(merge, sums, agentIds);
  const window = sums.of(segment.number);
  if (missing > 0 || window === undefined) {
    const untested = `departures and requests in flight were not tested: ${missing} records of requests are missing`;
    return { departures: undefined, books: [], untested: [untested] };
  }
  return { ...departuresOf(input, window), books: booksOf(input, window) };
}

/** Records that the agents' books promise, and that have not come. */
export function missingRecords(
  merge: RunMerge,
  sums: RecordSums,
  agentIds: readonly string[],
): number {
  let missing = 0;
  for (const agentId of agentIds) {
    const { totals, open } = merge.totalsOf(agentId);
    missing += Math.max(0, totals.fired - open - sums.countOf(agentId));
  }
  return missing;
}

function booksOf({ segment, merge }: RecordFactsInput, window: WindowRecords): InFlightBooks[] {
  const { agents } = merge.segment(segment.number);
  return segment.shares.map(({ agentId }) => ({
    agentId,
    meteredS: agents.get(agentId)?.activity.inFlightIntegralS ?? 0,
    recordedS: window.inFlightS.get(agentId) ?? 0,
  }));
}

function departuresOf(
  { segment, untilNs, seed, merge }: RecordFactsInput,
  window: WindowRecords,
): Pick<RecordFacts, "departures" | "untested"> {
  const { mode, startAtNs } = segment;
  if (mode.kind !== "open") return { departures: undefined, untested: [] };
  if (window.sentAtCut > 0)
    return untested(`${window.sentAtCut} more than the coordinator keeps in memory`);
  const plannedAtNs = plannedIn(segment, { untilNs, seed });
  // Overload drops arrivals for the server's sake; any other reason has a row of its own.
  if (window.sentAtNs.length !== plannedAtNs.length)
    return untested(`${window.sentAtNs.length} of ${plannedAtNs.length} arrivals were sent`);
  const open = openOf(merge.segment(segment.number).counters);
  if (open > 0) return untested(`${open} requests have not ended`);
  const sentAtNs = [...Float64Array.from(window.sentAtNs).sort()];
  const departures: Departures = { arrivals: mode.arrivals, startAtNs, plannedAtNs, sentAtNs };
  return { departures, untested: [] };
}

function untested(why: string): Pick<RecordFacts, "departures" | "untested"> {
  return { departures: undefined, untested: [`departures were not tested: ${why}`] };
}

function plannedIn(
  segment: Segment,
  { untilNs, seed }: { readonly untilNs: number; readonly seed: number },
): number[] {
  const arrivals = new FleetArrivals({ segment, seed });
  const planned: number[] = [];
  while (arrivals.next()) {
    const atNs = segment.startAtNs + arrivals.offsetNs;
    if (atNs >= untilNs) break;
    if (atNs >= segment.recordFromNs) planned.push(atNs);
  }
  return planned;
}
