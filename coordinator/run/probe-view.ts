import {
  addCounters,
  type Counters,
  httpErrorCount,
  zeroCounters,
} from "../../shared/measurement/counters.ts";
import type { Histogram } from "../../shared/measurement/histogram.ts";
import type { ClauseCount } from "../../shared/measurement/interval.ts";
import type { Clause, Slo } from "../../shared/slo/slo.ts";
import { evaluateClause } from "../../shared/slo/evaluate.ts";
import { limitIndex } from "../../shared/slo/thresholds.ts";
import { NS_PER_SECOND } from "../../shared/units.ts";
import {
  addClauseCounts,
  type MergedInterval,
  openOf,
  type SegmentMerge,
} from "../merge/segment-merge.ts";
import type { ServerLog } from "../server/server-log.ts";
import type { CountsByOutcome, ProbeClauseView, ProbeView } from "../show/result.ts";
import { allClasses, metricsView } from "./metrics-view.ts";
import { lostOpenOf } from "./lost-requests.ts";
import type { DrivenSegment } from "./run-contract.ts";
import type { RunLedger } from "./run-ledger.ts";
import { probeServerView, windowOf } from "./server-view.ts";

export interface ProbeViewInput {
  readonly driven: DrivenSegment;
  readonly merge: SegmentMerge;
  readonly slo: Slo;
  /** Run clock, ns. */
  readonly firstStartAtNs: number;
  readonly sealedUntilNs: number;
  /** Agents that are not lost. */
  readonly active: readonly string[];
  /** What the target said of itself; undefined where it is not scraped. */
  readonly server?: ServerLog | undefined;
}

/** What is told of a window the moment it is judged. */
export function judgedProbe(
  driven: DrivenSegment,
  ledger: Pick<RunLedger<unknown>, "merge" | "active" | "firstStartAtNs" | "server">,
  slo: Slo,
): ProbeView {
  const { merge, active, firstStartAtNs, server } = ledger;
  return probeView({
    server,
    driven,
    merge: merge.segment(driven.segment.number),
    slo,
    firstStartAtNs,
    sealedUntilNs: merge.sealedUntilNs(active),
    active,
  });
}

/** Everything that is told of one recorded window. */
export function probeView(input: ProbeViewInput): ProbeView {
  const { driven, merge, slo } = input;
  const { segment, request, judged, validity } = driven;
  const window = sumsOf(input);
  const { counters, durationS } = window;
  const metrics = allClasses(merge.classes);
  const per = perSecondOf(durationS);
  return {
    segment: segment.number,
    purpose: request.purpose,
    ...(request.against === true ? { against: true } : {}),
    ...loadOf(request.mode),
    achievedPerSecond: per(counters.ok),
    completedPerSecond: per(window.completedOk),
    verdict: judged?.verdict ?? null,
    reason: judged?.reason ?? "",
    validity,
    startS: round((segment.recordFromNs - input.firstStartAtNs) / NS_PER_SECOND),
    durationS: round(durationS),
    countsByOutcome: countsOf(counters, lostOpenOf(merge, input.active)),
    httpErrorsByStatus: Object.fromEntries(counters.httpErrors),
    clauses: slo.map((clause, position) => clauseView(clause, window.clauses[position], counters)),
    ...goodputOf(window, slo),
    inputTokensPerSecond: per(window.inputTokens),
    outputTokensPerSecond: per(window.outputTokens),
    tokensFrom: window.inputTokens > 0 || window.outputTokens === 0 ? "usage" : "events",
    inFlightMean: per(window.inFlightIntegralS),
    inFlightMax: window.inFlightMax,
    ...gapResolutionOf(metrics.get("gap")),
    ...metricsView(metrics),
    byClass: byClassOf(merge),
    ...(input.server === undefined
      ? {}
      : { server: probeServerView(input.server, windowOf(driven, { durationS })) }),
  };
}

export function loadOf(
  mode: DrivenSegment["request"]["mode"],
): Pick<ProbeView, "mode" | "requestsPerSecond" | "streams"> {
  return {
    mode: mode.kind,
    requestsPerSecond: mode.kind === "open" ? mode.ratePerSecond : null,
    streams: mode.kind === "closed" ? mode.streams : null,
  };
}

/** The count behind the clauses is of requests that broke any of them (counted-clauses.ts). */
function goodputOf(
  { counters, clauses, durationS }: WindowSums,
  slo: Slo,
): Pick<ProbeView, "goodputPerSecond" | "goodputFraction"> {
  const bad = clauses[slo.length]?.over[0];
  const finished = counters.fired - openOf(counters) + counters.droppedInFlightBound;
  if (bad === undefined || finished === 0) return { goodputPerSecond: null, goodputFraction: null };
  const good = Math.max(0, finished - bad);
  return {
    goodputPerSecond: perSecondOf(durationS)(good),
    goodputFraction: round(good / finished),
  };
}

/** Two reads are never within half a tick (0.5 µs), so gaps of 0 are those of events that shared one. */
function gapResolutionOf(gap: Histogram | undefined): Pick<ProbeView, "gapResolution"> {
  if (gap === undefined || gap.isEmpty) return {};
  const inOneRead = gap.count - gap.countAbove(0);
  return { gapResolution: { inOneReadFraction: round(inOneRead / gap.count) } };
}

function byClassOf(merge: SegmentMerge): ProbeView["byClass"] {
  if (merge.classes.size < 2) return {};
  return Object.fromEntries(
    [...merge.classes].map(([name, metrics]) => [name, metricsView(metrics)]),
  );
}

function perSecondOf(durationS: number): (count: number) => number {
  return (count) => (durationS > 0 ? round(count / durationS) : 0);
}

interface WindowSums {
  readonly counters: Counters;
  readonly clauses: readonly ClauseCount[];
  readonly durationS: number;
  readonly completedOk: number;
  readonly inputTokens: number;
  readonly outputTokens: number;
  readonly inFlightIntegralS: number;
  readonly inFlightMax: number;
}

function sumsOf({ driven, merge, sealedUntilNs }: ProbeViewInput): WindowSums {
  const { segment } = driven;
  const recorded = merge.intervals().filter((interval) => interval.recorded);
  const sum = (value: (interval: MergedInterval) => number): number =>
    recorded.reduce((total, interval) => total + value(interval), 0);
  const untilNs = endOf(driven, recorded, sealedUntilNs);
  const clauseCount = recorded[0]?.clauses.length ?? 0;
  return {
    counters: recorded.reduce(
      (total, interval) => addCounters(total, interval.counters),
      zeroCounters(),
    ),
    clauses: Array.from({ length: clauseCount }, (_, position) =>
      recorded.reduce<ClauseCount>(
        (total, interval) => addClauseCounts(total, interval.clauses[position]),
        { total: 0, over: recorded[0]?.clauses[position]?.over.map(() => 0) ?? [] },
      ),
    ),
    durationS: Math.max(0, untilNs - segment.recordFromNs) / NS_PER_SECOND,
    completedOk: sum((interval) => interval.activity.completedOk),
    inputTokens: sum((interval) => interval.activity.inputTokens),
    outputTokens: sum((interval) => interval.activity.outputTokens),
    inFlightIntegralS: sum((interval) => interval.activity.inFlightIntegralS),
    inFlightMax: Math.max(0, ...recorded.map((interval) => interval.activity.inFlightMax)),
  };
}

/** The window may have been cut short by the next segment, or by having sent all it was asked for. */
function endOf(
  { segment }: DrivenSegment,
  recorded: readonly MergedInterval[],
  sealedUntilNs: number,
): number {
  const untilNs = Math.min(segment.recordUntilNs, sealedUntilNs);
  if (segment.mode.kind === "open" && segment.requestsMax > 0) return untilNs;
  const busy = recorded.filter(
    ({ activity, counters }) => activity.inFlightIntegralS > 0 || counters.scheduled > 0,
  );
  return Math.min(untilNs, busy.at(-1)?.toNs ?? untilNs);
}

function clauseView(
  clause: Clause,
  count: ClauseCount | undefined,
  counters: Counters,
): ProbeClauseView {
  if (count === undefined)
    return { text: clause.text, verdict: "undecided", overCount: 0, total: 0, overFraction: null };
  const metric = clause.kind === "quantile" ? clause.metric : clause.kind;
  const overCount = count.over[limitIndex({ metric })] ?? 0;
  return {
    text: clause.text,
    verdict: evaluateClause(clause, count, { open: openOf(counters) + counters.censored, lost: 0 }),
    overCount,
    total: count.total,
    overFraction: count.total === 0 ? null : round(overCount / count.total),
  };
}

/** @param unknown Of the requests that have not ended, those that nobody will tell of any more. */
function countsOf(counters: Counters, unknown: number): CountsByOutcome {
  return {
    scheduled: counters.scheduled,
    fired: counters.fired,
    ok: counters.ok,
    http_error: httpErrorCount(counters),
    connect_error: counters.connectErrors,
    stream_error: counters.streamErrors,
    timeout: counters.timeouts,
    censored: counters.censored,
    unknown,
    open: openOf(counters) - unknown,
    dropped_in_flight_bound: counters.droppedInFlightBound,
    dropped_socket: counters.droppedSocket,
    dropped_policy: counters.droppedPolicy,
    not_offered_superseded: counters.notOfferedSuperseded,
    not_offered_aborted: counters.notOfferedAborted,
  };
}

/** Six digits after the point: beyond any clock here, and free of binary dust. */
function round(value: number): number {
  return Math.round(value * 1e6) / 1e6;
}
