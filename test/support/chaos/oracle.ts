import { lostOf } from "../../../coordinator/run/lost-arrivals.ts";
import type { DrivenSegment, RunEnd } from "../../../coordinator/run/run-contract.ts";
import type { TimedEntry } from "../../../coordinator/run/run-log.ts";
import type { LostArrivals, LostView } from "../../../coordinator/show/result.ts";
import { NS_PER_SECOND } from "../../../shared/units.ts";
import { FleetArrivals } from "../../../shared/arrivals/striped.ts";
import type { ServedRequest } from "../sim-cluster.ts";
import { linesOf, replayOf } from "../sim-run.ts";
import type { ChaosEnd } from "./run.ts";

/** A fleet that is too small, or an agent that does not answer, before anything was sent. */
const REFUSALS = ["LL_FLEET_TOO_SMALL", "LL_AGENT_SILENT", "LL_AGENT_GONE"];

/** As `accountProblems`, of the last coordinator, or of what is on the disk where it refused to go on. */
export async function chaosProblems(chaos: ChaosEnd, seed: number): Promise<readonly string[]> {
  if (chaos.end !== undefined) return accountProblems(chaos, chaos.end, seed);
  const { code = "", message = "" } = chaos.error ?? {};
  // What a replay finds missing was acknowledged, and is not on the disk.
  if (!REFUSALS.includes(code)) return [`${code}: ${message}`];
  const ledger = await replayOf(chaos.plan, chaos.disk);
  return accountProblems(chaos, ledger.end(), seed);
}

/**
 * What is wrong with a run's account of itself, by the log of the server that it was sent to; empty when the account
 * equals the log, or names exactly what it leaves out.
 */
function accountProblems(chaos: ChaosEnd, end: RunEnd, seed: number): readonly string[] {
  const lost = lostOf(end, seed);
  const books = { end, lost, served: chaos.served, seed, isConcluded: chaos.isConcluded };
  return [
    ...end.merge.problems,
    ...segmentsOf(chaos.served)
      .filter((number) => !end.driven.some(({ segment }) => segment.number === number))
      .map((number) => `segment ${number} was served, and nothing tells of it`),
    ...end.driven.flatMap((driven, place) => segmentProblems(books, driven, place)),
    ...outcomeProblems(books),
    ...causeProblems(lost, linesOf(chaos.disk), chaos),
  ];
}

interface Books {
  readonly end: RunEnd;
  readonly lost: LostView;
  readonly served: readonly ServedRequest[];
  readonly seed: number;
  readonly isConcluded: boolean;
}

function segmentsOf(served: readonly ServedRequest[]): readonly number[] {
  return [...new Set(served.map(({ segment }) => segment))];
}

function segmentProblems(
  { end, lost, served, seed, isConcluded }: Books,
  { segment }: DrivenSegment,
  place: number,
): string[] {
  const problems: string[] = [];
  const about = `segment ${segment.number}`;
  const ranges = lost.arrivalRanges.filter((range) => range.segment === segment.number);
  const own = served.filter((request) => request.segment === segment.number);
  const names = new Set(own.map(({ agentId, index }) => `${agentId}/${index}`));
  if (names.size !== own.length) problems.push(`${about}: an arrival was sent twice`);
  const told = own.filter(
    (request) => rangeOf(ranges, request) === undefined && !isSilentAt(lost, request, end),
  );
  const { counters } = end.merge.segment(segment.number);
  // Agents fire on for a moment after the answer; nobody was left to take those reports.
  const after = isConcluded
    ? told.filter(({ intendedAtNs }) => intendedAtNs >= end.loadEndedAtNs).length
    : 0;
  if (counters.fired > told.length || counters.fired + after < told.length)
    problems.push(
      `${about}: ${counters.fired} requests are in the books, and ${told.length} of ${own.length} served are not named lost`,
    );
  for (const request of own)
    if (rangeOf(ranges, request)?.offered === "no")
      problems.push(`${about}: arrival ${request.index} was served, and is named not offered`);
  const nextNs = end.driven[place + 1]?.segment.startAtNs ?? Infinity;
  const cutOff = end.resumptions.find(
    ({ atNs }) => atNs >= segment.startAtNs && atNs < nextNs,
  )?.atNs;
  const untilNs = Math.min(
    segment.endByNs,
    cutOff ?? Infinity,
    end.driven[place + 1]?.segment.startAtNs ?? end.loadEndedAtNs,
  );
  const arrivals = new FleetArrivals({ segment, seed });
  while (arrivals.next() && segment.startAtNs + arrivals.offsetNs < untilNs) {
    const agentId = segment.shares[arrivals.place]?.agentId ?? "";
    const arrival = { agentId, index: arrivals.index };
    if (!names.has(`${agentId}/${arrival.index}`) && rangeOf(ranges, arrival) === undefined)
      problems.push(`${about}: arrival ${arrival.index} of ${agentId} was not served, nor named`);
  }
  const counted = ranges.reduce((sum, { count }) => sum + count, 0);
  if (counted > 0 && end.driven[place]?.isCutOff === false && isSilent(end, place, ranges))
    problems.push(`${about}: arrivals are missing, and its window is valid without a word`);
  return problems;
}

/** Rounded to ms in the result. */
const ROUNDING_S = 0.002;

function isSilentAt(
  { silentStretches = [] }: LostView,
  { segment, agentId, intendedAtNs }: ServedRequest,
  { driven }: RunEnd,
): boolean {
  const atS = (intendedAtNs - (driven[0]?.segment.startAtNs ?? 0)) / NS_PER_SECOND;
  return silentStretches.some(
    (each) =>
      each.segment === segment &&
      each.agentId === agentId &&
      atS >= each.fromS - ROUNDING_S &&
      atS < each.untilS + ROUNDING_S,
  );
}

function rangeOf(
  ranges: readonly LostArrivals[],
  { agentId, index }: { readonly agentId: string; readonly index: number },
): LostArrivals | undefined {
  return ranges.find(
    (range) => range.agentId === agentId && index >= range.from && index < range.to,
  );
}

/** More than the 1 % that the generator may leave out is gone from a window, and its verdict says nothing. */
function isSilent(end: RunEnd, place: number, ranges: readonly LostArrivals[]): boolean {
  const driven = end.driven[place];
  if (driven === undefined || driven.validity.verdict !== "valid") return false;
  const { scheduled } = end.merge.segment(driven.segment.number).counters;
  const missing = ranges.reduce((sum, { count }) => sum + count, 0);
  return driven.request.purpose === "measure" && missing > 0.02 * (scheduled + missing) + 2;
}

function outcomeProblems({ end, lost, served, isConcluded }: Books): string[] {
  const problems: string[] = [];
  let finished = 0;
  for (const { segment } of end.driven) {
    const sums = end.merge.segment(segment.number);
    finished += sums.counters.fired - sums.open;
    const recordedOk = [...sums.agents.values()].reduce(
      (sum, { counters }) => sum + counters.ok,
      0,
    );
    const measured = sums.classes.get("default")?.get("e2e")?.count ?? 0;
    if (measured !== recordedOk)
      problems.push(`segment ${segment.number}: ${recordedOk} ended well, ${measured} were timed`);
  }
  if (finished > served.length)
    problems.push(`${finished} outcomes are known of ${served.length} requests`);
  const silent = served.filter((request) => isSilentAt(lost, request, end)).length;
  const after = isConcluded
    ? served.filter(({ intendedAtNs }) => intendedAtNs >= end.loadEndedAtNs).length
    : 0;
  if (finished + lost.unknownCount + silent + after < served.length)
    problems.push(
      `${served.length} requests, ${finished} outcomes known and ${lost.unknownCount} named unknown`,
    );
  return problems;
}

/** Only an agent that was killed, or that was away when its reports were asked for, may leave a hole. */
function causeProblems(
  { arrivalRanges }: LostView,
  log: readonly TimedEntry[],
  { fate, isConcluded }: ChaosEnd,
): string[] {
  if (isConcluded) return [];
  const excused = new Set(
    fate.agents.flatMap(({ agentId, killedAtNs }) => (killedAtNs === undefined ? [] : [agentId])),
  );
  for (const entry of log) {
    if (entry.kind === "agent-lost") excused.add(entry.agentId);
    if (entry.kind !== "agents") continue;
    for (const { agentId } of fate.agents)
      if (!entry.agents.some((hello) => hello.agentId === agentId)) excused.add(agentId);
  }
  return arrivalRanges
    .filter(({ offered, agentId }) => offered === "unknown" && !excused.has(agentId))
    .map(
      ({ agentId, segment, from, to }) =>
        `arrivals ${from}-${to} of segment ${segment} are lost with ${agentId}, which was there all the time`,
    );
}
