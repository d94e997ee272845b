import type { ClauseThresholds, Slo } from "../../shared/slo/slo.ts";
import { thresholdTable } from "../../shared/slo/thresholds.ts";

/**
 * What agents count for an SLO: its clauses in their order, and behind them the requests that met all of them at
 * once (goodput), which no marginal count can give back.
 */
export function countedClauses(slo: Slo): readonly ClauseThresholds[] {
  if (slo.length === 0) return [];
  const joint: ClauseThresholds = {
    clause: slo.length,
    metric: "goodput",
    thresholds: [],
    className: undefined,
  };
  return [...thresholdTable(slo), joint];
}

/** How many counts each of them has. */
export function countLengths(clauses: readonly ClauseThresholds[]): readonly number[] {
  return clauses.map((clause) => Math.max(1, clause.thresholds.length));
}
