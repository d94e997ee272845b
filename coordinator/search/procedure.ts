import type { ClauseCount, Exceedance } from "../../shared/measurement/interval.ts";
import type { Slo, Verdict } from "../../shared/slo/slo.ts";

/** A segment as a procedure asks for it; the run gives it a number, instants and the plan's arrival process. */
export interface SegmentRequest {
  /** Why it is sent; shown in the log and the report. */
  readonly purpose:
    | "warm-up"
    | "calibrate"
    | "ramp"
    | "probe"
    | "saturate"
    | "drain"
    | "focus"
    | "measure";
  readonly mode:
    | { readonly kind: "open"; readonly ratePerSecond: number }
    | { readonly kind: "serial" }
    | { readonly kind: "closed"; readonly streams: number }
    | { readonly kind: "backlog"; readonly waitingMax: number }
    | { readonly kind: "idle" };
  /** Load before the recorded window, s. */
  readonly settleS: number;
  /** The longest recorded window, s; `advance` may ask for the next segment earlier. */
  readonly recordS: number;
  /** How long the load goes on after the window, s; undefined: as the purpose asks for. */
  readonly holdS?: number;
  /** Stop after this many scheduled arrivals; 0 = no bound. */
  readonly requestsMax: number;
  /** To the other endpoint of the run; left out: to the target. */
  readonly against?: true;
}

/** What happened in one interval (about 1 s) of the current segment, over the whole fleet. */
export interface SecondObserved {
  /** From the segment's start, s. */
  readonly fromS: number;
  readonly toS: number;
  /** Arrivals intended in it. */
  readonly scheduled: number;
  readonly sent: number;
  readonly firstTokens: number;
  readonly completed: number;
  readonly completedOk: number;
  /** Requests sent, nothing back, at its end. */
  readonly waitingEnd: number;
  readonly inFlightEnd: number;
  /** Time integrals over the interval, request-seconds: sent and nothing back, sent and not ended. */
  readonly waitingIntegralS: number;
  readonly inFlightIntegralS: number;
}

/** What is known of one segment and its recorded window: everything up to `observedS` is merged from every agent. */
export interface WindowObserved {
  readonly request: SegmentRequest;
  readonly segment: number;
  /** The whole segment, from its start, s. */
  readonly observedS: number;
  readonly seconds: readonly SecondObserved[];
  /** The recorded window so far, s (0 while settling). */
  readonly recordedS: number;
  /** Arrivals scheduled and fired in the recorded window so far. */
  readonly scheduled: number;
  readonly fired: number;
  /** Failed requests of it so far (HTTP, connection, stream errors and time-outs), and drops at the in-flight bound. */
  readonly failed: number;
  readonly droppedInFlightBound: number;
  /**
   * Per clause: crossings counted the moment they happen (age rule: a request counts over u once it is older
   * than u without its event), so no straggler is waited for.
   */
  readonly clauses: readonly ClauseCount[];
  /** In the order of their intended instants (ns from the recorded window's start). */
  readonly exceedances: readonly Exceedance[];
  /** How many more there were than the agents list. */
  readonly exceedancesCut: number;
  /** Mean of the first-token time and of the end-to-end time in the recorded window so far, s; undefined without data. */
  readonly ttftMeanS: number | undefined;
  readonly e2eMeanS: number | undefined;
  /** Standard deviation of the end-to-end time, s; undefined without data. */
  readonly e2eSdS: number | undefined;
  readonly validity: "valid" | "suspect" | "invalid";
  /** The segment is over and nothing of it will change. */
  readonly final: boolean;
  /** Since the run's first segment started, s. */
  readonly elapsedS: number;
}

/**
 * What is known of the current segment, now. The run calls `advance` with a fresh one whenever another interval is
 * complete.
 */
export interface Observation extends WindowObserved {
  /**
   * The segment before it, which goes on being decided while the current one settles: its window ended where the
   * current segment began, at the latest. Undefined in a run's first segment.
   */
  readonly previous: WindowObserved | undefined;
}

/** The answer of a search; `high` undefined means "at least". Rates are requests/s. */
export interface MaxRate {
  readonly ratePerSecond: number;
  readonly lowPerSecond: number;
  readonly highPerSecond: number | undefined;
  readonly confidence: number;
  readonly method: "bisect" | "tail";
  /** Text of the clause that binds; undefined when nothing failed. */
  readonly boundBy: string | undefined;
  readonly limitedBy: "server" | "max-rate" | "generator" | "budget";
  readonly evidence: {
    readonly requestsNear: number;
    readonly overCount: number;
    readonly clumpFactor: number;
  };
  /** Sentences for the reader: limits that apply, flags. */
  readonly notes: readonly string[];
  /** Texts of the clauses whose own highest rate lies within 5 % of the answer, besides the binding one. */
  readonly coBinding?: readonly string[];
  /** The highest rate by each clause alone, requests/s; null where nothing came near its limit. */
  readonly clauseRates?: readonly {
    readonly clause: string;
    readonly ratePerSecond: number | null;
  }[];
}

/** Part of the requests over a clause's limit, by rate, as fitted; `low` and `high` bound it as the answer is bounded. */
export interface CurvePoint {
  readonly ratePerSecond: number;
  readonly overFraction: number;
  readonly low: number;
  readonly high: number;
}

/** What a search learns beside its answer. */
export interface SearchFindings {
  /** Throughput while a backlog is held; its error as a fraction of it. */
  readonly saturation: { readonly ratePerSecond: number; readonly relativeSd: number } | undefined;
  /** Where latency starts to rise steeply (Kneedle), and where rate over latency is highest (Kleinrock). */
  readonly knee:
    | { readonly ratePerSecond: number; readonly powerRatePerSecond: number }
    | undefined;
  readonly curve: readonly {
    readonly clause: string;
    readonly limitFraction: number;
    readonly points: readonly CurvePoint[];
  }[];
}

/** A judged window, as the report shows it. */
export interface JudgedSegment {
  readonly segment: number;
  readonly verdict: Verdict;
  /** Why, in words and numbers. */
  readonly reason: string;
}

export type Decision =
  /** The current segment goes on. */
  | { readonly kind: "go-on" }
  | { readonly kind: "next"; readonly request: SegmentRequest }
  | { readonly kind: "found"; readonly answer: MaxRate; readonly findings?: SearchFindings }
  /** A list of segments (`run`) is through. */
  | { readonly kind: "finished" }
  | { readonly kind: "hopeless"; readonly reason: string }
  | { readonly kind: "inconclusive"; readonly reason: string; readonly findings?: SearchFindings };

/** One step of a procedure: its next state, what to do, and the verdict on the segment just seen, if one fell. */
export interface Step<State> {
  readonly state: State;
  readonly decision: Decision;
  readonly judged: JudgedSegment | undefined;
}

/**
 * Decides which segments a run drives, and when it is done. A state is a plain JSON value: the run log can
 * replay it. `advance` is pure.
 */
export interface Procedure<State> {
  begin(): Step<State>;
  advance(state: State, observation: Observation): Step<State>;
}

/** What every search is given. */
export interface SearchOptions {
  readonly slo: Slo;
  /** Threshold tables as the agents count them, by clause. */
  readonly thresholds: readonly (readonly number[])[];
  readonly rateMinPerSecond: number | undefined;
  readonly rateMaxPerSecond: number | undefined;
  /** The highest rate the generator carries with a valid measurement; undefined where it is not known. */
  readonly cleanRatePerSecond?: number | undefined;
  /** Half-width of the interval that ends the search, as a fraction of the rate. */
  readonly precisionFraction: number;
  readonly confidence: number;
  readonly timeBudgetS: number;
  /** Stop at the first answer, before the focus blocks (tail). */
  readonly quick?: boolean;
  /** Judge the low end by a window of its own before answering (tail). */
  readonly confirm?: boolean;
}
