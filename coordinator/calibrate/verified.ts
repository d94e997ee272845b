import { type ClauseCount } from "../../shared/measurement/interval.ts";
import { samplesNeeded } from "../../shared/measurement/statistics.ts";
import { evaluateAll, evaluateClause } from "../../shared/slo/evaluate.ts";
import type { Clause, Slo, Verdict } from "../../shared/slo/slo.ts";
import { clauseFraction, limitIndex } from "../../shared/slo/thresholds.ts";
import { NS_PER_SECOND } from "../../shared/units.ts";
import { EXIT_CODES } from "../compare/comparison.ts";
import type { ExitCode } from "../../shared/errors.ts";
import type { Result } from "../show/result.ts";
import { indexFrom, type Point } from "../server/points.ts";
import { RESOLVE_EVERY_SCRAPES, type ServerLog } from "../server/server-log.ts";
import type { Calibration } from "./calibration.ts";
import { type ReplicaSample, replicaTime } from "./replica-time.ts";
import { type ReplicaNeed, type Shortage, shortagesOf } from "./scale-up-lag.ts";
import type { StageCount } from "./stage-tally.ts";
import { type FleetMeasured, verify } from "./verification.ts";
import {
  needsOf,
  plannedReplicas,
  rampRateAt,
  type ReplicaPlan,
  type VerifyRamp,
} from "./verify-ramp.ts";

/** What a fleet with its autoscaler on did in a ramp, as `--json` prints it, schema "loadline/verification@1". */
export interface Verified {
  readonly schema: "loadline/verification@1";
  readonly loadline: string;
  /** The folder of the calibrated run, and of the ramp. */
  readonly calibrated: string;
  readonly directory: string;
  readonly model: string;
  readonly verdict: Verdict;
  readonly exitCode: ExitCode;
  /** Sentences. */
  readonly reasons: readonly string[];
  readonly ramp: {
    readonly fromPerSecond: number;
    readonly toPerSecond: number;
    readonly durationS: number;
  };
  /** What the calibration promised. */
  readonly promised: {
    readonly signal: string;
    readonly target: number;
    readonly plannedPerSecond: number;
    readonly delayS: number;
    readonly averageReplicas: number;
  };
  readonly clauses: readonly VerifiedClause[];
  /** Part of the requests within every limit at once. */
  readonly attainment: number;
  /** null where no replica was ever seen. */
  readonly averageReplicas: number | null;
  readonly replicaHours: number | null;
  /** Attainment × average replicas. */
  readonly score: number | null;
  readonly seenFraction: number;
  /** Times in which the load asked for more replicas than there were. Seconds from the ramp's start. */
  readonly shortages: readonly {
    readonly fromS: number;
    /** null where the ramp ended first. */
    readonly untilS: number | null;
    /** The part of it in which replicas were looked at, so that it is at least as long. */
    readonly lagS: number;
    /** The rest of it: replicas may have been there. */
    readonly unseenS: number;
  }[];
  readonly stages: readonly VerifiedStage[];
  readonly warnings: readonly string[];
}

export interface VerifiedClause {
  readonly text: string;
  readonly verdict: Verdict;
  readonly overCount: number;
  readonly total: number;
  readonly overFraction: number | null;
  readonly limitFraction: number;
}

export interface VerifiedStage {
  readonly fromS: number;
  readonly untilS: number;
  /** The ramp's mean over the stage. */
  readonly requestsPerSecond: number;
  readonly requests: number;
  /** null without requests. */
  readonly attainment: number | null;
  /** That the ramp asks for, on average. */
  readonly neededReplicas: number;
  /** null where none was seen. */
  readonly averageReplicas: number | null;
  readonly replicaHours: number | null;
}

export interface VerifiedInput {
  readonly loadline: string;
  readonly calibrated: string;
  readonly calibration: Calibration;
  readonly plan: ReplicaPlan;
  readonly ramp: VerifyRamp;
  /** Of the ramp. */
  readonly result: Result;
  readonly slo: Slo;
  readonly clauses: readonly ClauseCount[];
  readonly stages: readonly StageCount[];
  /** What the fleet said of itself meanwhile. */
  readonly fleet: Pick<ServerLog, "tellsReplicas" | "replicaCounts">;
}

/** Scrapes that may be missed before a replica is no longer taken to be there. */
const HELD_SCRAPES = 3;
const SECONDS_PER_HOUR = 3_600;

/** Puts together what was counted, and judges it by what the calibration promised. */
export function verifiedOf(input: VerifiedInput): Verified {
  const { calibration, plan, ramp, result, stages, fleet } = input;
  const startNs = stages[0]?.fromNs ?? 0;
  const untilNs = stages.at(-1)?.untilNs ?? startNs;
  const scrapeS = result.server?.scrapeIntervalS ?? 1;
  const heldNs = HELD_SCRAPES * scrapeS * NS_PER_SECOND;
  const needs = needsOf(ramp, plan, startNs);
  const within = samplesOf(fleet.replicaCounts(heldNs), startNs, untilNs);
  const shortages = shortagesOf(needs, within).map((each) =>
    shortageView(each, { startNs, endNs: untilNs, samples: within, heldNs }),
  );
  const served = replicaTime(within, { fromNs: startNs, untilNs }, heldNs);
  const clauses = clausesOf(input);
  const requests = stages.reduce((sum, stage) => sum + stage.requests, 0);
  const attained = stages.reduce((sum, stage) => sum + stage.within, 0);
  const measured = {
    slo: evaluateAll(clauses.map(({ verdict }) => verdict)),
    attainment: requests === 0 ? 0 : attained / requests,
    averageReplicas: served.average,
    seenFraction: (served.seenS * NS_PER_SECOND) / Math.max(1, untilNs - startNs),
    isGrowthAsked: needs.some(({ replicas }) => replicas > (within[0]?.replicas ?? 0)),
    isGrowthSeen: growthSeen(needs, within),
    longestLag: longestOf(shortages),
    possibleLag: possibleOf(shortages),
  };
  const promised = {
    delayS: calibration.delayS,
    averageReplicas: plannedReplicas(ramp, plan),
    lagErrorS: scrapeS * scrapesUntilSeen(fleet),
  };
  const { verdict, score, reasons } = verify(measured, promised);
  return {
    schema: "loadline/verification@1",
    loadline: input.loadline,
    calibrated: input.calibrated,
    directory: result.files.directory,
    model: result.target.model,
    verdict,
    exitCode: EXIT_CODES[verdict],
    reasons,
    ramp,
    promised: {
      signal: calibration.target.signal,
      target: calibration.target.value,
      plannedPerSecond: round(calibration.plannedPerSecond),
      delayS: promised.delayS,
      averageReplicas: round(promised.averageReplicas),
    },
    clauses,
    attainment: round(measured.attainment),
    averageReplicas: optional(served.average),
    replicaHours:
      served.average === undefined ? null : round(served.replicaSeconds / SECONDS_PER_HOUR),
    score: optional(score),
    seenFraction: round(measured.seenFraction),
    shortages,
    stages: stages.map((stage) => stageView(stage, { ramp, needs, samples: within, heldNs })),
    warnings: result.validity.verdict === "valid" ? [] : result.validity.reasons,
  };
}

/** A replica is seen at the next scrape; where a name stands for them, once that was looked up again. */
function scrapesUntilSeen({ tellsReplicas }: VerifiedInput["fleet"]): number {
  return tellsReplicas ? 1 : RESOLVE_EVERY_SCRAPES + 1;
}

/** From the last one before the ramp on: those as whom a scraper first comes to know the fleet say nothing of it. */
function samplesOf(
  counts: readonly Point[],
  startNs: number,
  untilNs: number,
): readonly ReplicaSample[] {
  const first = Math.max(0, indexFrom(counts, startNs + 1) - 1);
  return counts
    .slice(first, indexFrom(counts, untilNs + 1))
    .map(({ atNs, value }) => ({ atNs, replicas: value }));
}

/** Requests of which nothing is known count both ways; those that the in-flight bound dropped are bad. */
function clausesOf({ slo, clauses, stages, result }: VerifiedInput): readonly VerifiedClause[] {
  const counts = result.probes[0]?.countsByOutcome;
  const dropped = counts?.dropped_in_flight_bound ?? 0;
  const recorded = stages.reduce((sum, { requests }) => sum + requests, 0);
  const lost = Math.max(0, (counts?.fired ?? 0) - recorded);
  return slo.map((clause, position) => {
    const { total, over } = clauses[position] ?? { total: 0, over: [0] };
    const count = { total: total + dropped, over: over.map((each) => each + dropped) };
    const overCount = count.over[limitIndex({ metric: metricOf(clause) })] ?? 0;
    const verdict = evaluateClause(clause, count, { open: 0, lost });
    return {
      text: clause.text,
      verdict: verdict === "met" && count.total < leastOf(clause) ? "undecided" : verdict,
      overCount,
      total: count.total,
      overFraction: count.total === 0 ? null : round(overCount / count.total),
      limitFraction: clauseFraction(clause),
    };
  });
}

function metricOf(clause: Clause): Parameters<typeof limitIndex>[0]["metric"] {
  return clause.kind === "quantile" ? clause.metric : clause.kind;
}

/** Below so many requests a quantile is not told, and not judged to be good. */
function leastOf(clause: Clause): number {
  return clause.kind === "quantile" ? samplesNeeded(clause.quantile) : 1;
}

type ShortageView = Verified["shortages"][number];

function shortageView(
  shortage: Shortage,
  of: {
    readonly startNs: number;
    readonly endNs: number;
    readonly samples: readonly ReplicaSample[];
    readonly heldNs: number;
  },
): ShortageView {
  const fromNs = Math.max(shortage.fromNs, of.startNs);
  const untilNs = shortage.untilNs ?? of.endNs;
  const { seenS } = replicaTime(of.samples, { fromNs, untilNs }, of.heldNs);
  return {
    fromS: round((fromNs - of.startNs) / NS_PER_SECOND),
    untilS: shortage.untilNs === undefined ? null : round((untilNs - of.startNs) / NS_PER_SECOND),
    lagS: round(seenS),
    unseenS: round((untilNs - fromNs) / NS_PER_SECOND - seenS),
  };
}

function longestOf(shortages: readonly ShortageView[]): FleetMeasured["longestLag"] {
  const [longest] = shortages.toSorted((a, b) => b.lagS - a.lagS);
  return longest === undefined
    ? undefined
    : { lagS: longest.lagS, hasEnded: longest.untilS !== null };
}

/** The shortage that is the longest if replicas were missing whenever they were not looked at. */
function possibleOf(shortages: readonly ShortageView[]): FleetMeasured["possibleLag"] {
  const [longest] = shortages
    .map(({ lagS, unseenS }) => ({ lagS: lagS + unseenS, unseenS }))
    .toSorted((a, b) => b.lagS - a.lagS);
  return longest;
}

/** Whether as many served as were asked for once that was more than at the start. */
function growthSeen(needs: readonly ReplicaNeed[], samples: readonly ReplicaSample[]): boolean {
  const first = samples[0]?.replicas ?? Infinity;
  return samples.some(({ atNs, replicas }) => {
    const needed = needs.findLast((need) => need.atNs <= atNs)?.replicas ?? 0;
    return needed > first && replicas >= needed;
  });
}

function stageView(
  { fromNs, untilNs, requests, within }: StageCount,
  of: {
    readonly ramp: VerifyRamp;
    readonly needs: readonly ReplicaNeed[];
    readonly samples: readonly ReplicaSample[];
    readonly heldNs: number;
  },
): VerifiedStage {
  const startNs = of.needs[0]?.atNs ?? 0;
  const [fromS, untilS] = [fromNs - startNs, untilNs - startNs].map((ns) => ns / NS_PER_SECOND);
  const served = replicaTime(of.samples, { fromNs, untilNs }, of.heldNs);
  const needed = replicaTime(of.needs, { fromNs, untilNs }, Infinity);
  return {
    fromS: round(fromS ?? 0),
    untilS: round(untilS ?? 0),
    requestsPerSecond: round(rampRateAt(of.ramp, ((fromS ?? 0) + (untilS ?? 0)) / 2)),
    requests,
    attainment: requests === 0 ? null : round(within / requests),
    neededReplicas: round(needed.average ?? 0),
    averageReplicas: optional(served.average),
    replicaHours:
      served.average === undefined ? null : round(served.replicaSeconds / SECONDS_PER_HOUR),
  };
}

function optional(value: number | undefined): number | null {
  return value === undefined ? null : round(value);
}

/** Six digits after the point, as in result.json. */
function round(value: number): number {
  return Math.round(value * 1e6) / 1e6;
}
