import { assert } from "../assert.ts";
import type { ClauseCount } from "../measurement/interval.ts";
import type { Clause, Verdict } from "./slo.ts";
import { clauseFraction, limitIndex } from "./thresholds.ts";

/** Requests (or gaps) whose outcome for a clause is not known. */
export interface Unknowns {
  /** Counted in `total` and not yet over; they may still turn out so. */
  readonly open: number;
  /** Counted nowhere, since their agent was lost. */
  readonly lost: number;
}

export const NO_UNKNOWNS: Unknowns = { open: 0, lost: 0 };

/** What a clause's count would be with every unknown good, and with every unknown bad. */
export interface ClauseRange {
  readonly total: number;
  readonly overBest: number;
  readonly overWorst: number;
}

/** @param level which threshold of the clause; the limit's for a verdict (`limitIndex`). */
export function clauseRange(count: ClauseCount, unknowns: Unknowns, level: number): ClauseRange {
  const over = count.over[level];
  assert(over !== undefined, "the level is one of the clause's thresholds");
  return {
    total: count.total + unknowns.lost,
    overBest: over,
    overWorst: over + Math.min(unknowns.open, count.total - over) + unknowns.lost,
  };
}

/**
 * The plain judgement of what was counted, without any statistics: met when even the worst case keeps to the clause,
 * violated when even the best case breaks it, else (and where nothing was counted) undecided.
 *
 * How far the count speaks for the rate itself is the search's business (coordinator/search).
 */
export function evaluateClause(
  clause: Clause,
  count: ClauseCount,
  unknowns: Unknowns = NO_UNKNOWNS,
): Verdict {
  const metric = clause.kind === "quantile" ? clause.metric : clause.kind;
  const range = clauseRange(count, unknowns, limitIndex({ metric }));
  if (range.total === 0) return "undecided";
  const allowed = violationsAllowed(clause, range.total);
  if (range.overWorst <= allowed) return "met";
  return range.overBest > allowed ? "violated" : "undecided";
}

/** How many of `total` may violate the clause: ⌊fraction × total⌋, not one less where floats fall short of it. */
export function violationsAllowed(clause: Clause, total: number): number {
  return Math.floor(clauseFraction(clause) * total * (1 + Number.EPSILON));
}

/** An SLO is met when every clause is, and violated as soon as one is. */
export function evaluateAll(verdicts: readonly Verdict[]): Verdict {
  if (verdicts.includes("violated")) return "violated";
  return verdicts.includes("undecided") || verdicts.length === 0 ? "undecided" : "met";
}
