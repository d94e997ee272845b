import type { Slo, Verdict } from "../../shared/slo/slo.ts";
import { evaluateAll } from "../../shared/slo/evaluate.ts";
import { tallyOf } from "./clause-tally.ts";
import { clauseWindowOf, hasTail, limitSOf } from "./clause-window.ts";
import { judgeRate, type RateCounts, type RateVerdict } from "./clause-verdict.ts";
import type { WindowObserved } from "./procedure.ts";

export interface WindowVerdict {
  readonly verdict: Verdict;
  readonly reason: string;
  /** By clause, in the SLO's order. */
  readonly clauses: readonly RateVerdict[];
  /** Position of the clause that decided: the most violated one, else the one nearest to its limit. */
  readonly bindingClause: number;
  /** Undecided only because counted clauses have too few requests, with nothing against them. */
  readonly onlyTooFew: boolean;
}

/** Instants of a window at which it may pass: whichever of the two comes first. */
const LOOK_AFTER_S = [15, 30, 60, 120, 240];
const LOOK_AFTER_REQUESTS = [500, 1000, 2000, 4000, 8000];

/** How many looks a window has had after `decidedS` seconds and `decidedRequests` requests of it are decided. */
export function looksAfter(decidedS: number, decidedRequests: number): number {
  return LOOK_AFTER_S.filter(
    (afterS, k) => decidedS >= afterS || decidedRequests >= (LOOK_AFTER_REQUESTS[k] ?? Infinity),
  ).length;
}

/** After the last look no longer window will tell more. */
export const LOOKS_MAX = LOOK_AFTER_S.length;

/** The part of the recorded window that is older than every tail clause's limit, s. */
export function decidedSOf(slo: Slo, observation: WindowObserved): number {
  const { settleS } = observation.request;
  const untilS = observation.observedS - settleS - longestLimitS(slo);
  return Math.max(0, Math.min(observation.recordedS, untilS));
}

/** The largest limit among the clauses whose requests are decided by their age, s. */
export function longestLimitS(slo: Slo): number {
  return Math.max(0, ...slo.filter(hasTail).map((clause) => limitSOf(clause) ?? 0));
}

/**
 * The limit that a first-token backlog is held against, s: that of the first-token clause, else the end-to-end one's;
 * without either ten times the largest limit, which no healthy service comes near.
 */
export function overloadLimitS(slo: Slo): number {
  const limitsS = (metrics: readonly string[]): number[] =>
    slo
      .filter((clause) => clause.kind === "quantile" && metrics.includes(clause.metric))
      .map((clause) => limitSOf(clause) ?? Infinity);
  const firstTokenS = limitsS(["ttft", "service_ttft"]);
  if (firstTokenS.length > 0) return Math.min(...firstTokenS);
  const endToEndS = limitsS(["e2e", "service_e2e"]);
  if (endToEndS.length > 0) return Math.min(...endToEndS);
  return 10 * Math.max(0.1, ...slo.map((clause) => limitSOf(clause) ?? 0));
}

/**
 * Judges a whole window, all clauses, as at a look: violated if any clause is violated, met only when all are met.
 *
 * @param thresholds by clause, as the agents count them.
 */
export function judgeWindow(
  slo: Slo,
  thresholds: readonly (readonly number[])[],
  observation: WindowObserved,
): WindowVerdict {
  return judgeCounted(countsOf(slo, thresholds, observation), true);
}

/** What each clause counted in an observation's window, in the SLO's order. */
export function countsOf(
  slo: Slo,
  thresholds: readonly (readonly number[])[],
  observation: WindowObserved,
): readonly RateCounts[] {
  return slo.map((clause, index) => {
    const at = { index, thresholds: thresholds[index] ?? [] };
    const window = clauseWindowOf(clause, at, observation);
    return { ...window, tally: tallyOf(window) };
  });
}

/** As `judgeWindow`; without `look` only a violation can fall. */
export function judgeCounted(counts: readonly RateCounts[], look: boolean): WindowVerdict {
  const clauses = counts.map((each) => judgeRate(each, look));
  const bindingClause = bindingOf(counts, clauses);
  const verdict = evaluateAll(clauses.map((clause) => clause.verdict));
  const undecided = clauses.filter((clause) => clause.verdict === "undecided");
  return {
    verdict,
    reason: clauses[bindingClause]?.reason ?? "the SLO has no clause",
    clauses,
    bindingClause,
    onlyTooFew: verdict === "undecided" && undecided.every(({ evidence }) => evidence.tooFew),
  };
}

const SEVERITY: Readonly<Record<Verdict, number>> = { violated: 2, undecided: 1, met: 0 };

function bindingOf(counts: readonly RateCounts[], clauses: readonly RateVerdict[]): number {
  const strain = counts.map(({ allowedFraction }, i) => {
    const clause = clauses[i];
    if (clause === undefined) return -Infinity;
    const { requests, overCount, logOver } = clause.evidence;
    const logOverFraction = logOver?.value ?? Math.log((overCount + 0.1) / (requests + 1));
    const margin = Math.max(-50, Math.min(50, logOverFraction - Math.log(allowedFraction)));
    return 1000 * SEVERITY[clause.verdict] + margin;
  });
  return Math.max(0, strain.indexOf(Math.max(...strain)));
}
