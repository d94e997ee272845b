import { assert } from "../../shared/assert.ts";
import type { Clause, ClauseThresholds } from "../../shared/slo/slo.ts";
import { clauseFraction, limitIndex } from "../../shared/slo/thresholds.ts";
import { NS_PER_SECOND } from "../../shared/units.ts";
import type { WindowObserved } from "./procedure.ts";

/** What is known of one clause in one window: the input of a verdict on one rate. */
export interface ClauseWindow {
  readonly clause: Clause;
  /** Fraction of requests (or gaps) that the clause allows to be bad; above 0. */
  readonly allowedFraction: number;
  /** The thresholds counted, as multiples of the limit, ascending; [1] for a clause that only counts bad requests. */
  readonly thresholds: readonly number[];
  /** Position of the limit itself among them. */
  readonly limitIndex: number;
  /** By threshold: requests old enough that it is decided whether they exceed it, and how many did. */
  readonly decided: readonly number[];
  readonly over: readonly number[];
  /** Requests known to have exceeded a threshold: when intended (s from the window's start), and the highest one. */
  readonly exceedances: readonly { readonly atS: number; readonly level: number }[];
  /** The limit of a latency clause, s; undefined for other clauses. */
  readonly limitS: number | undefined;
  /** Whether the tail over several thresholds may be fitted: latencies that a queue drives. */
  readonly hasTail: boolean;
  /** Rate that arrived in the window, requests/s. */
  readonly ratePerSecond: number;
  /** Length of the window so far, s. */
  readonly windowS: number;
  /** Requests fired in the window. */
  readonly fired: number;
}

const TAIL_METRICS: ReadonlySet<string> = new Set(["ttft", "e2e", "service_ttft", "service_e2e"]);
/** Known only when a request ends, and counted by `total` from its start. */
const ENDS_WITH_REQUEST: ReadonlySet<string> = new Set([
  "error_rate",
  "goodput",
  "max_gap",
  "output_tokens_per_second",
]);
/** "No failure at all" cannot be shown by sampling; it is judged as one in a million. */
const ALLOWED_FRACTION_MIN = 1e-6;

/** Whether the clause is about a latency whose tail a queue drives (first token, end to end). */
export function hasTail(clause: Clause): boolean {
  return clause.kind === "quantile" && TAIL_METRICS.has(clause.metric);
}

/** The limit of a latency clause, s; undefined for fractions and speeds. */
export function limitSOf(clause: Clause): number | undefined {
  if (clause.kind !== "quantile" || clause.metric === "output_tokens_per_second") return undefined;
  return clause.limit / NS_PER_SECOND;
}

/** Reads the part of an observation that one clause is judged by. */
export function clauseWindowOf(
  clause: Clause,
  at: { readonly index: number; readonly thresholds: readonly number[] },
  observation: WindowObserved,
): ClauseWindow {
  const count = observation.clauses[at.index];
  assert(count !== undefined, "an observation counts every clause");
  const limit = clause.kind === "quantile" ? clause.limit : undefined;
  const thresholds =
    limit === undefined || at.thresholds.length === 0
      ? [1]
      : at.thresholds.map((threshold) => threshold / limit);
  const limitS = limitSOf(clause);
  const ageS = (j: number): number =>
    hasTail(clause) && limitS !== undefined ? limitS * (thresholds[j] ?? 1) : 0;
  const openCount = endsWithRequest(clause) ? openIn(observation) : 0;
  const over = thresholds.map((_, j) => count.over[j] ?? 0);
  const decided = over.map((bad, j) =>
    Math.max(bad, count.total - openCount - youngerThan(ageS(j), count.total, observation)),
  );
  return {
    clause,
    allowedFraction: Math.max(ALLOWED_FRACTION_MIN, clauseFraction(clause)),
    thresholds,
    limitIndex: limitIndex({ metric: metricOf(clause) }),
    decided,
    over,
    exceedances:
      clause.kind === "error_rate"
        ? failuresIn(observation)
        : observation.exceedances
            .filter((exceedance) => exceedance.clause === at.index)
            .map(({ intendedAtNs, level }) => ({ atS: intendedAtNs / NS_PER_SECOND, level })),
    limitS,
    hasTail: hasTail(clause),
    ratePerSecond: rateOf(observation),
    windowS: observation.recordedS,
    fired: observation.fired,
  };
}

function metricOf(clause: Clause): ClauseThresholds["metric"] {
  return clause.kind === "quantile" ? clause.metric : clause.kind;
}

function endsWithRequest(clause: Clause): boolean {
  return ENDS_WITH_REQUEST.has(metricOf(clause));
}

/** Failures are not listed one by one; the intervals in which they ended show whether they came in bursts. */
function failuresIn(observation: WindowObserved): ClauseWindow["exceedances"] {
  const { settleS } = observation.request;
  return observation.seconds
    .filter(({ fromS }) => fromS >= settleS)
    .flatMap(({ fromS, toS, completed, completedOk }) =>
      spread(completed - completedOk, fromS - settleS, toS - settleS),
    );
}

function spread(count: number, fromS: number, toS: number): ClauseWindow["exceedances"] {
  return Array.from({ length: count }, (_, i) => ({
    atS: fromS + ((i + 0.5) / count) * (toS - fromS),
    level: 0,
  }));
}

/** Requests of the window that may still turn out bad: no more than those in flight now. */
function openIn(observation: WindowObserved): number {
  if (observation.final) return 0;
  return Math.min(observation.fired, observation.seconds.at(-1)?.inFlightEnd ?? 0);
}

function rateOf(observation: WindowObserved): number {
  const { mode } = observation.request;
  if (mode.kind === "open") return mode.ratePerSecond;
  const arrived = Math.max(observation.scheduled, observation.fired);
  return arrived / Math.max(observation.recordedS, 1e-3);
}

/**
 * How many of the window's requests are younger than `ageS` at the instant of the observation.
 *
 * A request counts as over u once it is older than u, so among those *older* than u the count is complete and the
 * fraction unbiased; the younger ones are left out rather than waited for or taken as good.
 * Arrivals within an interval are taken as evenly spread.
 */
function youngerThan(ageS: number, total: number, observation: WindowObserved): number {
  if (ageS <= 0 || observation.scheduled === 0) return 0;
  const { settleS } = observation.request;
  const fromS = Math.max(settleS, observation.observedS - ageS);
  const untilS = settleS + observation.recordedS;
  let younger = 0;
  for (const second of observation.seconds) {
    const overlapS = Math.min(second.toS, untilS) - Math.max(second.fromS, fromS);
    if (overlapS > 0) younger += (second.scheduled * overlapS) / (second.toS - second.fromS);
  }
  // A clause of one traffic class sees its share of the arrivals.
  return (younger * total) / Math.max(observation.scheduled, total);
}
