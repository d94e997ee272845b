import type { ExitCode } from "../../shared/errors.ts";
import type { EngineName } from "../server/engines.ts";
import type { ServerCheck } from "../server/checks.ts";
import type { PairedLevel } from "../compare/paired-level.ts";
import type { ServerSeries } from "../server/series.ts";
import type { Outcome } from "../../shared/measurement/outcome.ts";
import type { Verdict } from "../../shared/slo/slo.ts";
import type { Workload } from "../../shared/workload/workload.ts";

/**
 * `result.json`, schema "loadline/result@1": plain JSON. All times in ms, rates per second; a field's name
 * ends in its unit. A section that does not apply is `null`, never left out, unless marked optional.
 */
export interface Result {
  readonly schema: "loadline/result@1";
  /** Version of Loadline that wrote it. */
  readonly loadline: string;
  readonly command: "find" | "run" | "sweep";
  readonly name: string;
  /** Wall clock of the coordinator, ISO 8601 in UTC. */
  readonly startedAt: string;
  readonly durationS: number;
  readonly seed: number;
  /** SHA-256 (hex) over the window hashes of all probes; null without a schedule (closed modes). */
  readonly scheduleHash: string | null;
  readonly exitCode: ExitCode;
  readonly outcome: RunOutcome;
  readonly validity: ValidityView;
  readonly target: { readonly url: string; readonly endpoint: string; readonly model: string };
  /** `run --against`: the other endpoint, and what the pairs of windows say. */
  readonly against?: AgainstView;
  readonly slo: readonly SloClauseView[];
  readonly workload: Workload;
  readonly agents: readonly AgentView[];
  /** `find` only; null when none was found, and for `run`. */
  readonly maxRate: MaxRateView | null;
  readonly saturation: {
    readonly requestsPerSecond: number;
    readonly relativeSd: number;
  } | null;
  readonly knee: {
    readonly requestsPerSecond: number;
    readonly method: string;
    /** Kleinrock's power point: where rate over mean latency is highest. */
    readonly powerRequestsPerSecond?: number;
  } | null;
  /** The fitted part over each clause's limit, by rate, with its bounds; null without a fit (other methods, `run`). */
  readonly curve?: readonly CurveView[] | null;
  /** Unloaded: one request at a time. */
  readonly floor?: { readonly ttftMs: Summary; readonly e2eMs: Summary };
  /** `find --min-rate-gate`. */
  readonly rateGate?: { readonly requestsPerSecond: number; readonly held: boolean };
  /** Recorded windows in the order they were driven; `probes[0]` is the first. */
  readonly probes: readonly ProbeView[];
  /** Every segment that was driven, in order: also those that only prepared a window. */
  readonly timeLine?: readonly SegmentView[];
  /** What the target said of itself (`--server-metrics`); left out where it was not scraped. */
  readonly server?: ServerView;
  readonly lost: LostView;
  /** Each time that a coordinator went on where another had been killed; left out when there was none. */
  readonly resumptions?: readonly ResumptionView[];
  readonly files: FilesView;
}

/** Two endpoints by windows that alternated between them. */
export interface AgainstView {
  readonly url: string;
  readonly model: string;
  readonly confidence: number;
  /** One a load, in their order. */
  readonly levels: readonly PairedLevel[];
}

export interface RunOutcome {
  readonly kind: "found" | "finished" | "hopeless" | "inconclusive" | "interrupted" | "agents-lost";
  /** One sentence; empty when there is nothing to say beyond the numbers. */
  readonly reason: string;
}

/** Can this number be trusted? Reasons are sentences that name the agent, the figure, its bound and what to do. */
export interface ValidityView {
  readonly verdict: "valid" | "suspect" | "invalid";
  readonly reasons: readonly string[];
  /** Agents that reasons for `invalid` name, each once; left out when there are none. */
  readonly agentIds?: readonly string[];
  /** Sentences: what could not be tested, and why; left out when all was. */
  readonly untested?: readonly string[];
  /** Every reason for `invalid` lies with the target, or with who else uses it; left out where the generator has one. */
  readonly isOfTarget?: true;
}

export interface SloClauseView {
  /** Canonical, e.g. "ttft p99 <= 200ms". */
  readonly text: string;
  readonly metric: string;
  /** "p99", or "fraction" for error_rate and goodput. */
  readonly stat: string;
  readonly operator: "<=" | ">=";
  readonly limit: number;
  /** Of the limit: "ms", "tokens/s" or "fraction". */
  readonly unit: string;
  /** The traffic class it is about; absent: all requests. */
  readonly className?: string;
}

export interface AgentView {
  readonly id: string;
  readonly host: string;
  readonly firedCount: number;
  readonly sendDelayMs: Summary;
  readonly eventLoopDelayMs?: Summary;
  readonly cpuSeconds?: number;
  /** What the agent adds to its figures, by its self-calibration; absent where it was not calibrated, as the next two. */
  readonly floor?: AgentFloorView;
  /** Requests/s it carries were answers empty, tokens/s it carries without requests; a load takes up a part of both. */
  readonly cleanRatePerSecond?: number;
  readonly cleanTokensPerSecond?: number;
  readonly clockErrorBoundMs: number;
  readonly lost: boolean;
}

/** See `AgentFloor` of shared/control. */
export interface AgentFloorView {
  readonly ttftP50Ms: number;
  readonly ttftP99Ms: number;
  readonly gapErrorP99Ms: number;
  readonly itlErrorP99Ms: number;
  readonly sendDelayP50Ms: number;
  readonly sendDelayP99Ms: number;
}

export interface CurveView {
  /** Text of the clause. */
  readonly clause: string;
  /** The part that may be over: 0.01 for p99. */
  readonly limitFraction: number;
  readonly points: readonly {
    readonly requestsPerSecond: number;
    readonly overFraction: number;
    readonly low: number;
    readonly high: number;
  }[];
}

/** The answer. `high` null means "at least"; `requestsPerSecond` is then the highest rate shown to pass. */
export interface MaxRateView {
  readonly requestsPerSecond: number;
  readonly low: number;
  readonly high: number | null;
  readonly confidence: number;
  readonly method: string;
  /** Text of the clause that binds; null when nothing failed. */
  readonly boundBy: string | null;
  readonly limitedBy: "server" | "max-rate" | "generator" | "budget";
  readonly evidence: {
    readonly requestsNear: number;
    readonly overCount: number;
    readonly clumpFactor: number;
  };
  readonly notes: readonly string[];
  /** 1 − answer / saturation; absent where saturation was not measured. */
  readonly headroomFraction?: number;
  /** Clauses whose own highest rate lies within 5 % of the answer, besides the binding one. */
  readonly coBinding?: readonly string[];
  /** The highest rate by each clause alone; null where nothing came near its limit. */
  readonly clauseRates?: readonly {
    readonly clause: string;
    readonly requestsPerSecond: number | null;
  }[];
}

/** Quantiles a summary may hold back for want of samples. */
export type Quantile = "p50" | "p75" | "p90" | "p95" | "p99" | "p99_9";

/**
 * What is told of one metric. Everything but `count` is null without samples; a quantile with too few samples
 * behind it is null, and `samplesNeeded` says how many it takes.
 */
export interface Summary {
  readonly count: number;
  readonly min: number | null;
  readonly max: number | null;
  readonly mean: number | null;
  readonly sd: number | null;
  readonly p50: number | null;
  readonly p75: number | null;
  readonly p90: number | null;
  readonly p95: number | null;
  readonly p99: number | null;
  readonly p99_9: number | null;
  readonly samplesNeeded?: Readonly<Partial<Record<Quantile, number>>>;
}

/** Latencies and speed of a window, or of one class of it. */
export interface MetricsView {
  /** From the intended instant. */
  readonly ttftMs: Summary;
  readonly answerTtftMs: Summary;
  readonly e2eMs: Summary;
  /** From the sent instant. */
  readonly serviceTtftMs: Summary;
  readonly serviceE2eMs: Summary;
  readonly itlMs: Summary;
  readonly gapMs: Summary;
  readonly maxGapMs: Summary;
  readonly sendDelayMs: Summary;
  /** p99 is the slow side: 1 % of the requests are slower. */
  readonly outputTokensPerSecondPerUser: Summary;
}

/** Where every scheduled arrival of a window went. */
export type CountsByOutcome = Readonly<
  Record<
    | Outcome
    | "scheduled"
    | "fired"
    | "open"
    | "dropped_in_flight_bound"
    | "dropped_socket"
    | "dropped_policy"
    | "not_offered_superseded"
    | "not_offered_aborted",
    number
  >
>;

export interface ProbeClauseView {
  readonly text: string;
  readonly verdict: Verdict;
  readonly overCount: number;
  readonly total: number;
  /** null when total is 0. */
  readonly overFraction: number | null;
}

/** One recorded window. */
export interface ProbeView extends MetricsView {
  readonly segment: number;
  /** Why it was sent: "measure", "ramp", "probe", … */
  readonly purpose: string;
  /** It was sent to the other endpoint (`--against`); left out of those to the target. */
  readonly against?: true;
  readonly mode: "open" | "serial" | "closed" | "backlog" | "idle";
  /** The planned rate; null for modes without a schedule. */
  readonly requestsPerSecond: number | null;
  /** Of a closed mode; null for the others. */
  readonly streams: number | null;
  /** Requests of the window that succeeded, also behind it, over its length. */
  readonly achievedPerSecond: number;
  /** Requests that succeeded within the window, whichever window they belong to: what the server carried. */
  readonly completedPerSecond: number;
  /** null without an SLO. */
  readonly verdict: Verdict | null;
  /** Of the verdict, in words and numbers. */
  readonly reason: string;
  readonly validity: ValidityView;
  /** Start of the recorded window, from the run's first segment. */
  readonly startS: number;
  readonly durationS: number;
  readonly countsByOutcome: CountsByOutcome;
  readonly httpErrorsByStatus: Readonly<Record<string, number>>;
  readonly clauses: readonly ProbeClauseView[];
  /** Requests that met every clause; null without an SLO. */
  readonly goodputPerSecond: number | null;
  readonly goodputFraction: number | null;
  readonly inputTokensPerSecond: number;
  readonly outputTokensPerSecond: number;
  /** The server's own count, or content events counted here. */
  readonly tokensFrom: "usage" | "events";
  readonly inFlightMean: number;
  readonly inFlightMax: number;
  /** How finely gaps could be told; left out without gaps. */
  readonly gapResolution?: {
    /** Gaps that are 0 because both events came in one read of the socket, as a part of all gaps. */
    readonly inOneReadFraction: number;
  };
  /** By class name; empty unless the workload has several. */
  readonly byClass: Readonly<Record<string, MetricsView>>;
  /** What the target said of itself over the window; left out where it was not scraped. */
  readonly server?: ProbeServerView;
}

/** The target's own account of a window (docs/server-metrics.md). Null where its engine does not say it. */
export interface ProbeServerView {
  /** Requests, of all replicas together. */
  readonly waitingMean: number | null;
  readonly waitingMax: number | null;
  readonly runningMean: number | null;
  /** 0 to 1, the mean over the replicas. */
  readonly kvUseMean: number | null;
  readonly completedPerSecond: number | null;
  readonly generationTokensPerSecond: number | null;
  readonly replicas: number | null;
  /** How many scrapes gave something. */
  readonly scrapeCount: number;
  /** Sentences. */
  readonly problems: readonly string[];
}

/** The target's own account of the run. */
export interface ServerView {
  /** Null where no scrape gave the metrics of an engine. */
  readonly engine: EngineName | null;
  readonly urls: readonly string[];
  /** The most there were. */
  readonly replicas: number | null;
  readonly scrapeIntervalS: number;
  /** Whether its account agrees with the agents', and with itself. */
  readonly checks: readonly ServerCheck[];
  /** Sentences, also about what could not be checked. */
  readonly problems: readonly string[];
  /** Over time, from the run's first segment. */
  readonly series: ServerSeries;
}

/** A stretch of load, from its start to where the next one took over. Seconds from the run's first segment. */
export interface SegmentView {
  readonly segment: number;
  readonly purpose: string;
  readonly mode: ProbeView["mode"];
  readonly requestsPerSecond: number | null;
  readonly streams: number | null;
  readonly startS: number;
  readonly endS: number;
  /** Its coordinator was killed meanwhile; it was repeated. */
  readonly isCutOff: boolean;
}

/** What is not known of a run, also of windows that were repeated. */
export interface LostView {
  /** Scheduled arrivals that were not offered, or are not known to have been. */
  readonly arrivalRanges: readonly LostArrivals[];
  /** Of segments without a schedule: where an agent's reports say nothing; left out when there are none. */
  readonly silentStretches?: readonly SilentStretch[];
  /** Requests without a known outcome: sent, and their end never reported; or of arrivals that may have been offered. */
  readonly unknownCount: number;
}

/** What an agent sent in it, if anything, is not known. Seconds from the run's first segment. */
export interface SilentStretch {
  readonly segment: number;
  readonly agentId: string;
  readonly fromS: number;
  readonly untilS: number;
}

/** One agent's own arrivals of a segment, one after the other; other agents' lie between them. */
export interface LostArrivals {
  readonly segment: number;
  readonly agentId: string;
  /** Index of the first in the segment's schedule. */
  readonly from: number;
  /** Above the index of the last. */
  readonly to: number;
  readonly count: number;
  /** "no": the agent says that it held them back, or fired something else. "unknown": no report tells of them. */
  readonly offered: "no" | "unknown";
}

interface ResumptionView {
  /** Which coordinator of the run it was; the first is 1. */
  readonly incarnation: number;
  /** The segment that was in flight, void and repeated; null when there was none. */
  readonly voidSegment: number | null;
  /** From the run's first segment; the run's clock stood still between the two coordinators. */
  readonly atS: number;
  /** Requests that were open in the last reports before. */
  readonly unknownCount: number;
}

interface FilesView {
  /** As the user can open it. */
  readonly directory: string;
  /** Names within it. */
  readonly names: readonly string[];
}

/** The windows that were sent to the other endpoint of the run. */
export function toOther(probes: readonly ProbeView[]): readonly ProbeView[] {
  return probes.filter(({ against }) => against === true);
}

/** The windows that were sent to the target, and not to the other endpoint of the run. */
export function toTarget(probes: readonly ProbeView[]): readonly ProbeView[] {
  return probes.filter(({ against }) => against !== true);
}
