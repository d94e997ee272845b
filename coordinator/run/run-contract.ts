import type { Arrivals } from "../../shared/arrivals/arrivals.ts";
import type { Hello, Target } from "../../shared/control/control.ts";
import type { Segment } from "../../shared/segment/segment.ts";
import type { Slo } from "../../shared/slo/slo.ts";
import type { Clock } from "../../shared/time/clock.ts";
import type { Workload } from "../../shared/workload/workload.ts";
import type { Roster } from "../fleet/roster.ts";
import type { RunMerge } from "../merge/run-merge.ts";
import type { FleetLink, ReportReceiver, ReportServer, RunStore } from "../ports.ts";
import type { JudgedSegment, Procedure, SegmentRequest } from "../search/procedure.ts";
import type { ServerObserver } from "../server/entry.ts";
import type { ServerLog } from "../server/server-log.ts";
import type { LiveView } from "../show/progress.ts";
import type { ProbeView } from "../show/result.ts";
import type { Validity } from "../validity/validity.ts";
import type { EndDecision } from "./run-log.ts";

/** What a run is told of while it goes on. */
export type RunEvent =
  | { readonly kind: "agents"; readonly agentIds: readonly string[] }
  | { readonly kind: "segment"; readonly segment: Segment; readonly request: SegmentRequest }
  | { readonly kind: "observed"; readonly live: LiveView; readonly merge: RunMerge }
  | { readonly kind: "judged"; readonly probe: ProbeView }
  | { readonly kind: "agent-lost"; readonly agentId: string };

export interface RunOptions<State> {
  readonly runId: string;
  readonly incarnation: number;
  readonly seed: number;
  readonly agentsMin: number;
  /** How long they may take to be there. */
  readonly gatherNs: number;
  /** What a lost agent does to the run: the others go on, or it ends with what was measured. */
  readonly onAgentLoss: "continue" | "fail";
  readonly target: Target;
  /** The other endpoint of a run that alternates between two. */
  readonly against?: Target | undefined;
  readonly workload: Workload;
  readonly slo: Slo;
  /** Decides what is driven, now that it is known by whom. @throws LoadError when they do not carry the plan. */
  readonly admit: (agents: readonly Hello[]) => {
    readonly procedure: Procedure<State>;
    /** Of the whole fleet. */
    readonly inFlightMax: number;
  };
  readonly arrivalsOf: (ratePerSecond: number, durationS: number) => Arrivals;
  /** How long open streams may drain behind their segment, s. */
  readonly drainMaxS: number;
  /** How long the end of the run waits for streams, s. */
  readonly lastDrainMaxS: number;
  readonly keepRecords: boolean;
  /** The target's replicas may come and go: that is what is measured. */
  readonly isAutoscaled?: boolean | undefined;
  /** How often agents report. */
  readonly intervalNs: number;
  /** A segment starts at least this long after its lease was published. */
  readonly armLeadNs: number;
}

export interface RunPorts {
  readonly clock: Clock;
  readonly link: FleetLink;
  readonly store: RunStore;
  readonly startReportServer: (receiver: ReportReceiver) => Promise<ReportServer>;
  /** Scrapes the target's own metrics; undefined: nobody does. */
  readonly observer?: ServerObserver | undefined;
  readonly onEvent: (event: RunEvent) => void;
  /** Aborted by Ctrl-C: what was measured is saved. */
  readonly interrupt: AbortSignal;
}

/** A segment that was driven, and what was found of it. */
export interface DrivenSegment {
  readonly request: SegmentRequest;
  readonly segment: Segment;
  readonly windowHash: string;
  judged: JudgedSegment | undefined;
  validity: Validity;
  /** As it was when the window was judged: a search went on from that. */
  judgedValidity: Validity["verdict"] | undefined;
  /** Which coordinator of the run drove it. */
  readonly incarnation: number;
  /** Its coordinator was killed meanwhile: it is void, and was repeated. */
  isCutOff: boolean;
}

/** A coordinator went on where another had been killed. */
export interface Resumption {
  readonly incarnation: number;
  /** The segment that was in flight; undefined when none was. */
  readonly segment: number | undefined;
  /** Run clock, ns. */
  readonly atNs: number;
  /** Requests that were open in the last reports: their outcome is unknown. */
  readonly openCount: number;
  /** Agents that were still there, and reported all they had. */
  takenBackIds: readonly string[];
}

export interface RunEnd {
  readonly decision: EndDecision;
  readonly driven: readonly DrivenSegment[];
  readonly merge: RunMerge;
  readonly roster: Roster;
  readonly agentIds: readonly string[];
  /** Run clock, ns: everything before it is merged from every agent that was there to the end. */
  readonly sealedUntilNs: number;
  /** Run clock, ns: from here on nothing was to be offered any more. */
  readonly loadEndedAtNs: number;
  readonly resumptions: readonly Resumption[];
  /** What the target said of itself; undefined where its metrics were not scraped. */
  readonly server?: ServerLog | undefined;
  /** From the first segment's start to the last seal, s. */
  readonly durationS: number;
}
