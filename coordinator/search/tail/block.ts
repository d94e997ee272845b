import type { Slo } from "../../../shared/slo/slo.ts";
import { type ClauseWindow, clauseWindowOf } from "../clause-window.ts";
import type { WindowObserved } from "../procedure.ts";
import { clumpSumsOf } from "./clump-sums.ts";

/** What one window tells of one clause, by threshold. Plain JSON, like all of a search's state. */
export interface BlockClause {
  /** Requests (or gaps) old enough to be decided, and those over. */
  readonly decided: readonly number[];
  readonly over: readonly number[];
  /** Over the clumps of exceedances: Σ size² and Σ size; both 0 where they say nothing. */
  readonly clumpSquares: readonly number[];
  readonly clumpSizes: readonly number[];
}

/** A window of constant rate, as the fits see it. */
export interface Block {
  readonly segment: number;
  readonly kind: "unloaded" | "ramp" | "focus";
  /** Offered; 0 for one request at a time. */
  readonly ratePerSecond: number;
  readonly recordedS: number;
  /** When its window began, since the run's start, s. */
  readonly startS: number;
  readonly fired: number;
  /** First tokens per second over the whole segment. */
  readonly firstTokensPerSecond: number;
  /** Mean time in system by Little's law, s; null without requests. */
  readonly residenceS: number | null;
  /** Mean first-token and end-to-end times, s. */
  readonly ttftMeanS: number | null;
  readonly e2eMeanS: number | null;
  /** In the SLO's order. */
  readonly clauses: readonly BlockClause[];
}

export interface Counted {
  readonly slo: Slo;
  /** By clause, as the agents count them. */
  readonly thresholds: readonly (readonly number[])[];
}

/** Sums a window up for the fits. */
export function blockOf(
  { slo, thresholds }: Counted,
  window: WindowObserved,
  kind: Block["kind"],
): Block {
  const { mode } = window.request;
  return {
    segment: window.segment,
    kind,
    ratePerSecond: mode.kind === "open" ? mode.ratePerSecond : 0,
    recordedS: window.recordedS,
    startS: window.elapsedS - window.observedS + window.request.settleS,
    fired: window.fired,
    ...activityOf(window),
    ttftMeanS: window.ttftMeanS ?? null,
    e2eMeanS: window.e2eMeanS ?? null,
    clauses: slo.map((clause, index) =>
      blockClauseOf(clauseWindowOf(clause, { index, thresholds: thresholds[index] ?? [] }, window)),
    ),
  };
}

function blockClauseOf(window: ClauseWindow): BlockClause {
  const sums = window.thresholds.map((_, j) => clumpSumsOf(window, j));
  return {
    decided: window.decided,
    over: window.over,
    clumpSquares: sums.map(({ squares }) => squares),
    clumpSizes: sums.map(({ sizes }) => sizes),
  };
}

/** Little's law: mean number in flight over the rate of arrivals is the mean time in system. */
function activityOf({
  seconds,
}: WindowObserved): Pick<Block, "residenceS" | "firstTokensPerSecond"> {
  let spanS = 0;
  let sent = 0;
  let firstTokens = 0;
  let inFlightS = 0;
  for (const second of seconds) {
    spanS += second.toS - second.fromS;
    sent += second.sent;
    firstTokens += second.firstTokens;
    inFlightS += second.inFlightIntegralS;
  }
  return {
    residenceS: sent === 0 ? null : inFlightS / sent,
    firstTokensPerSecond: spanS > 0 ? firstTokens / spanS : 0,
  };
}

/** Part of a clause's requests over its j-th threshold; 0 without any. */
export function overFractionAt(counts: BlockClause | undefined, j: number): number {
  const decided = counts?.decided[j] ?? 0;
  return decided > 0 ? (counts?.over[j] ?? 0) / decided : 0;
}
