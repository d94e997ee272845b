import type { Arrivals } from "../../shared/arrivals/arrivals.ts";
import type { Counters } from "../../shared/measurement/counters.ts";
import type { Histogram } from "../../shared/measurement/histogram.ts";
import type { Activity } from "../../shared/measurement/interval.ts";
import type { Health } from "../../shared/measurement/report.ts";

/** What is known of one agent over one window. */
export interface AgentFacts {
  readonly agentId: string;
  readonly counters: Counters;
  readonly sendDelay: Histogram;
  readonly activity: Activity;
  /** Only intervals that lie in the window. */
  readonly health: readonly Health[];
  readonly clockErrorBoundNs: number;
  /** How far its clock was seen to have moved against the coordinator's at the end of the run, ns. */
  readonly clockMovedNs: number;
  /** How wrong this agent itself is about a gap, by its p99 against a null sink, ns; undefined where not measured. */
  readonly gapErrorP99Ns: number | undefined;
  /** The same of a request's mean gap. */
  readonly itlErrorP99Ns: number | undefined;
  /** The longest silence of the agent that ended in the window, ns. */
  readonly silenceNs: number;
  /** Part of the window, as far as it is over, of which this agent's reports say nothing, ns. */
  readonly missingNs: number;
  /** It was lost before the window was over, so that outcomes of this many requests are not known. */
  readonly lost: { readonly unknownCount: number } | undefined;
  /** It fired the segment, rather than the one before. */
  readonly switched: boolean;
}

/** Instants on the run's clock, ns, ascending; as planned, and as sent according to the records. */
export interface Departures {
  readonly arrivals: Arrivals;
  /** The segment's start: the process is told from there. */
  readonly startAtNs: number;
  readonly plannedAtNs: readonly number[];
  readonly sentAtNs: readonly number[];
}

/** The time integral of requests in flight, taken twice, request-seconds. */
export interface InFlightBooks {
  readonly agentId: string;
  /** As the agent's meter has it, by counting up and down. */
  readonly meteredS: number;
  /** As the records have it: of each request the part that lies in the window. */
  readonly recordedS: number;
}

/** What only the records of single requests tell, when all of them are in. */
export interface RecordFacts {
  readonly departures: Departures | undefined;
  readonly books: readonly InFlightBooks[];
  /** Sentences: what could not be tested, and why. */
  readonly untested: readonly string[];
}

/** What the target's own metrics tell of one window. */
export interface TargetFacts {
  /** Least and most within the window; undefined where it is not known. */
  readonly replicas: { readonly min: number; readonly max: number } | undefined;
  /** Addresses whose counters started again. */
  readonly restarted: readonly string[];
  /** Over a stretch within the window; undefined where it cannot be told. */
  readonly completions:
    | {
        readonly theirs: number;
        /** Ours that may have ended within that stretch, whatever came of them. */
        readonly oursMax: number;
        /** Ours that ended well within it, for sure. */
        readonly oursMin: number;
      }
    | undefined;
}

export interface WindowFacts {
  readonly agents: readonly AgentFacts[];
  /** The tightest limit that counts from the intended instant, ns; undefined without one. */
  readonly intendedLimitNs: number | undefined;
  /** The tightest limit of a pause between tokens, ns; undefined without one. */
  readonly gapLimitNs: number | undefined;
  /** The tightest limit of a request's mean gap, ns; undefined without one. */
  readonly itlLimitNs: number | undefined;
  /** Sentences about reports that do not add up or are missing. */
  readonly problems: readonly string[];
  /** First tokens were waited for by more and more requests: what the in-flight bound dropped is the server's doing. */
  readonly backlogGrew: boolean;
  /** The verdict on the server is the same with every unknown request good and with every one bad. */
  readonly verdictHolds: boolean;
  /** Undefined while the run goes on, and where no records are kept. */
  readonly records: RecordFacts | undefined;
  /** Undefined where the target's metrics are not scraped. */
  readonly target?: TargetFacts | undefined;
}
