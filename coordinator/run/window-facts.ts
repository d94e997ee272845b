import {
  tightestGapLimitNs,
  tightestIntendedLimitNs,
  tightestItlLimitNs,
} from "../../shared/slo/thresholds.ts";
import type { Slo } from "../../shared/slo/slo.ts";
import type { Roster } from "../fleet/roster.ts";
import type { RunMerge } from "../merge/run-merge.ts";
import { type MergedInterval, noPart } from "../merge/segment-merge.ts";
import type { AgentFacts, RecordFacts, TargetFacts, WindowFacts } from "../validity/facts.ts";
import { unknownCountOf, verdictHolds } from "./lost-requests.ts";
import type { ServerLog } from "../server/server-log.ts";
import type { DrivenSegment } from "./run-contract.ts";
import { targetFactsOf } from "./target-facts.ts";

export interface WindowFactsInput {
  readonly driven: DrivenSegment;
  /** Run clock, ns: where the recorded window ends, which the next segment's start may have brought forward. */
  readonly untilNs: number;
  readonly merge: RunMerge;
  readonly roster: Roster;
  readonly slo: Slo;
  readonly seed: number;
  /** The run clock's zero on the coordinator's clock, ns. */
  readonly runZeroNs: number;
  /** Agents that are still there. */
  readonly active: readonly string[];
  /** What the records tell, once they are all in. */
  readonly records: RecordFacts | undefined;
  /** What the target said of itself; undefined where its metrics are not scraped. */
  readonly server?: ServerLog | undefined;
  /** Its number of replicas is not told of: an autoscaler changes it. */
  readonly isAutoscaled?: boolean | undefined;
}

/** What the generator's judge is told of one segment's recorded window. */
export function windowFactsOf(input: WindowFactsInput): WindowFacts {
  const { driven, merge, slo, untilNs } = input;
  const { segment, request } = driven;
  const agents = segment.shares.map(({ agentId }) => agentFactsOf(input, agentId));
  const unknown = agents.reduce((sum, { lost }) => sum + (lost?.unknownCount ?? 0), 0);
  const intervals = merge.segment(segment.number).intervals();
  return {
    agents,
    intendedLimitNs: tightestIntendedLimitNs(slo),
    gapLimitNs: tightestGapLimitNs(slo),
    itlLimitNs: tightestItlLimitNs(slo),
    problems: merge.problemsIn(segment.startAtNs, untilNs),
    backlogGrew: backlogGrew(intervals),
    // A search repeats a window of whose requests it does not know all; a run has only the one.
    verdictHolds: request.purpose === "measure" && verdictHolds(slo, intervals, unknown),
    records: input.records,
    target: targetOf(input, intervals),
  };
}

function targetOf(
  { server, driven, untilNs, merge, active, isAutoscaled }: WindowFactsInput,
  intervals: readonly MergedInterval[],
): TargetFacts | undefined {
  if (server === undefined) return undefined;
  const { recordFromNs, shares } = driven.segment;
  const facts = targetFactsOf({
    server,
    window: { fromNs: recordFromNs, untilNs },
    intervals,
    sealedUntilNs: merge.sealedUntilNs(active),
    isAgentLost: shares.some(({ agentId }) => !active.includes(agentId)),
  });
  return isAutoscaled === true ? { ...facts, replicas: undefined } : facts;
}

function agentFactsOf(input: WindowFactsInput, agentId: string): AgentFacts {
  const { driven, untilNs, merge, roster, seed, active, runZeroNs } = input;
  const { segment } = driven;
  const { recordFromNs, startAtNs } = segment;
  const part = merge.segment(segment.number).agents.get(agentId) ?? noPart();
  const health = merge.healthOf(agentId)?.within(recordFromNs, untilNs) ?? [];
  const sealedNs = Math.min(untilNs, merge.sealedUntilNs([agentId]));
  const coveredNs = health.reduce(
    (sum, { fromNs, toNs }) => sum + Math.min(toNs, untilNs) - fromNs,
    0,
  );
  const isLost = !active.includes(agentId) && sealedNs < untilNs;
  const begun = merge.sealedUntilNs(active) > startAtNs;
  const hasSwitched =
    merge.coverageOf(agentId)?.stretches.some((each) => each.segment === segment.number) === true;
  return {
    ...part,
    agentId,
    health,
    ...clockFactsOf(roster, agentId),
    ...floorFactsOf(roster, agentId),
    silenceNs: roster.longestSilenceNs(agentId, runZeroNs + startAtNs, runZeroNs + untilNs),
    missingNs: Math.max(0, sealedNs - recordFromNs - coveredNs),
    lost: isLost
      ? {
          unknownCount: unknownCountOf({
            segment,
            untilNs,
            seed,
            agentId,
            counters: part.counters,
          }),
        }
      : undefined,
    switched: !begun || isLost || hasSwitched,
  };
}

function clockFactsOf(
  roster: Roster,
  agentId: string,
): Pick<AgentFacts, "clockErrorBoundNs" | "clockMovedNs"> {
  const { clockOffset, clockMovedNs = 0 } = roster.get(agentId) ?? {};
  return { clockErrorBoundNs: clockOffset?.errorBoundNs ?? 0, clockMovedNs };
}

/** What the agent's self-calibration says of its own error. */
function floorFactsOf(
  roster: Roster,
  agentId: string,
): Pick<AgentFacts, "gapErrorP99Ns" | "itlErrorP99Ns"> {
  const floor = roster.get(agentId)?.hello.floor;
  return { gapErrorP99Ns: floor?.gapErrorP99Ns, itlErrorP99Ns: floor?.itlErrorP99Ns };
}

/** Requests waiting for their first token that come and go by chance. */
const WAITING_FEW = 10;
const WAITING_GROWTH = 2;
const WAITING_FRACTION = 0.5;

/**
 * Whether requests piled up unanswered where the in-flight bound dropped arrivals: half of what was in flight waited
 * for a first token, or twice as many as when the segment began. True where nothing was dropped.
 */
export function backlogGrew(intervals: readonly MergedInterval[]): boolean {
  const dropping = intervals.filter(({ counters }) => counters.droppedInFlightBound > 0);
  if (dropping.length === 0) return true;
  const waiting = Math.max(...dropping.map(({ activity }) => activity.waitingEnd));
  const atFirst = intervals[0]?.activity.waitingEnd ?? 0;
  const [waitingS, inFlightS] = dropping.reduce(
    ([a, b], { activity }) => [a + activity.waitingIntegralS, b + activity.inFlightIntegralS],
    [0, 0],
  );
  return (
    waitingS >= WAITING_FRACTION * inFlightS ||
    (dropping[0] !== intervals[0] && waiting >= WAITING_GROWTH * atFirst + WAITING_FEW)
  );
}
