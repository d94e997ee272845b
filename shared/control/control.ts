import type { Segment } from "../segment/segment.ts";
import type { ClauseThresholds } from "../slo/slo.ts";
import type { ClockOffset } from "../time/clock-offset.ts";
import type { Workload } from "../workload/workload.ts";

/** Why an agent will not do what it was asked. */
export interface Refusal {
  readonly code: string;
  readonly message: string;
  readonly hint: string;
}

/** Everything an agent's operator allows; the coordinator cannot change it. */
export interface PolicySummary {
  /** "host:port" patterns, as the operator wrote them. */
  readonly targets: readonly string[];
  readonly ratePerSecondMax: number;
  readonly inFlightMax: number;
  readonly durationNsMax: number;
  readonly tokensMax: number;
}

/**
 * How much one agent carries with its measurement still valid, as it found against a null sink; 0 while not measured.
 * A load of r requests/s with T tokens in an answer takes up a part r / `cleanRatePerSecond` + r T /
 * `cleanTokensPerSecond` of it.
 */
export interface CleanRate {
  /** Requests/s, were their answers empty. */
  readonly cleanRatePerSecond: number;
  /** Tokens/s, were they to come without requests. */
  readonly cleanTokensPerSecond: number;
}

/** What an agent adds to its figures, as it found against a null sink's own log; ns. */
export interface AgentFloor {
  /** From send to first content, less what the server took. */
  readonly ttftP50Ns: number;
  readonly ttftP99Ns: number;
  /** How far a gap is off the one between the server's writes. */
  readonly gapErrorP99Ns: number;
  /** The same of a request's mean gap: what one read too late moves hardly changes it. */
  readonly itlErrorP99Ns: number;
  readonly sendDelayP50Ns: number;
  readonly sendDelayP99Ns: number;
}

/** Identity and heartbeat in one, each second. */
export interface Hello extends CleanRate {
  readonly agentId: string;
  /** Changes at each start of the agent: its wall clock then. */
  readonly epoch: number;
  readonly version: string;
  readonly host: string;
  readonly processId: number;
  readonly cores: number;
  readonly inFlightMax: number;
  /** Undefined while not measured. */
  readonly floor: AgentFloor | undefined;
  readonly policy: PolicySummary;
  /** The run that holds this agent; undefined when free. */
  readonly runId: string | undefined;
  readonly state: string;
}

/** `state` of an agent that takes no further run. */
export const LEAVING_STATE = "leaving";

/** Where requests go, and how they look. Keys are named here and resolved on the agent. */
export interface Target {
  /** Base URL with `/v1`, without a slash at its end. */
  readonly url: string;
  readonly endpoint: "chat" | "completions";
  readonly model: string;
  readonly apiKeyEnv: string | undefined;
  readonly headers: Readonly<Record<string, string>>;
  /** Merged into each request's body, last. */
  readonly extraBody: Readonly<Record<string, unknown>>;
  readonly timeoutNs: number;
  readonly caPem: string | undefined;
  readonly tlsInsecure: boolean;
  /** Ask for exactly the drawn output length (`ignore_eos`, `min_tokens`). */
  readonly forceOutput: boolean;
}

/** Buckets of every histogram of a run, in ticks; anything else is refused. */
export interface HistogramGeometry {
  readonly significantDigits: number;
  readonly lowestTicks: number;
  readonly highestTicks: number;
}

export interface ReportAddress {
  /** "host:port" of the coordinator's gRPC server. */
  readonly url: string;
  readonly certificateFingerprint: string;
}

export interface RunLimits {
  /** Of one agent. */
  readonly inFlightMax: number;
  /** How long open streams may drain after their segment's window. */
  readonly drainMaxNs: number;
  readonly intervalNs: number;
  readonly leaseNs: number;
}

export interface PrepareRun {
  readonly runId: string;
  /** Grows with each coordinator of the run. */
  readonly incarnation: number;
  readonly seed: number;
  readonly target: Target;
  /** The other endpoint of a run that alternates between two; left out where there is none. */
  readonly against?: Target;
  readonly workload: Workload;
  readonly thresholds: readonly ClauseThresholds[];
  readonly geometry: HistogramGeometry;
  readonly report: ReportAddress;
  readonly limits: RunLimits;
  readonly keepRecords: boolean;
}

export interface ArmSegment {
  readonly runId: string;
  readonly incarnation: number;
  readonly segment: Segment;
  /** The agent's clock minus the run's clock. */
  readonly clockOffset: ClockOffset;
}

export interface ArmedSegment {
  readonly segmentNumber: number;
  /** SHA-256 (hex) over every arrival of the recorded window; empty for modes without a schedule. */
  readonly windowHash: string;
  readonly ownedCount: number;
  readonly totalCount: number;
}

/** coordinator → one agent. */
export type AgentRequest =
  | { readonly kind: "clock-probe"; readonly sentAtNs: number }
  | { readonly kind: "prepare-run"; readonly prepareRun: PrepareRun }
  | { readonly kind: "arm-segment"; readonly armSegment: ArmSegment }
  | {
      readonly kind: "attach";
      readonly runId: string;
      readonly incarnation: number;
      readonly report: ReportAddress;
    }
  | {
      readonly kind: "stop";
      readonly runId: string;
      readonly incarnation: number;
      readonly reason: string;
    }
  | { readonly kind: "release"; readonly runId: string; readonly incarnation: number }
  /** Take no further run, and end when this one is over. */
  | { readonly kind: "drain" };

/** The agent's answer; `refusal` may answer any request. */
export type AgentResponse =
  | {
      readonly kind: "clock-probe";
      readonly requestSentAtNs: number;
      readonly receivedAtNs: number;
      readonly repliedAtNs: number;
    }
  | { readonly kind: "prepared"; readonly epoch: number }
  | { readonly kind: "armed"; readonly armed: ArmedSegment }
  | { readonly kind: "attached"; readonly epoch: number; readonly spooledReports: number }
  | { readonly kind: "stopped" }
  | { readonly kind: "released" }
  /** It ends when this run is over; undefined: now. */
  | { readonly kind: "leaving"; readonly runId: string | undefined }
  | { readonly kind: "refusal"; readonly refusal: Refusal };

/** coordinator → all, each second: `segmentNumber` may start next (or go on) until the lease lapses. */
export interface Lease {
  readonly runId: string;
  readonly incarnation: number;
  readonly segmentNumber: number;
  readonly expiresInNs: number;
}

/** anyone allowed → all: stop now, close sockets. An empty runId means every run. */
export interface Abort {
  readonly runId: string;
  readonly reason: string;
}
