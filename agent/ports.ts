import type {
  Abort,
  AgentRequest,
  AgentResponse,
  Hello,
  Lease,
  Refusal,
  ReportAddress,
} from "../shared/control/control.ts";
import type { IntervalReport, RecordBatch } from "../shared/measurement/report.ts";
import type { SinkEntry } from "../shared/measurement/sink-entry.ts";
import type { Outcome } from "../shared/measurement/outcome.ts";
import type { CancelCall, Clock } from "../shared/time/clock.ts";

/** A clock whose calls may be asked to come as near to their instant as the machine can. */
export interface PacingClock extends Clock {
  /** As `callAt`, but spends CPU on a waiting tail to come within a few µs. */
  callPrecisely(atNs: number, task: () => void): CancelCall;
}

/** One request to send, ready to go; nothing is computed between the decision to fire and the send. */
export interface RequestOrder {
  /** The request's body, encoded. */
  readonly body: Buffer;
  readonly outputTokens: number;
  /** It is for the other endpoint of the run (two-endpoints.ts). */
  readonly isAgainst?: true;
}

/**
 * What an endpoint tells of one request, on the firing path: no allocation, no promise. Instants are the
 * agent's clock, ns. After `onEnd` nothing more is called.
 */
export interface StreamListener {
  onHeaders(atNs: number, status: number): void;
  /**
   * `events` content events arrived together at `atNs` (they share one read). `hasAnswer` says whether answer
   * text (not reasoning or a tool call) was among them.
   */
  onContent(atNs: number, events: number, hasAnswer: boolean): void;
  onBytes(count: number): void;
  /** The server's own token counts; may come more than once, the last one counts; -1 where it is silent. */
  onUsage(inputTokens: number, outputTokens: number): void;
  /**
   * `detail`: what went wrong, in words; empty when ok. That of a `connect_error` holds the system's code (EMFILE, …),
   * which tells want of a descriptor or port of this machine from a server that does not answer.
   */
  onEnd(atNs: number, outcome: Outcome, status: number, detail: string): void;
}

/** An adapter to one kind of LLM endpoint. */
export interface Endpoint {
  /** Hands the request to a socket now. Returns a function that gives it up (ends as `outcome`). */
  send(order: RequestOrder, listener: StreamListener): (outcome: "timeout" | "censored") => void;
  /** Opens connections without sending a request. */
  connect(connections: number): Promise<void>;
  socketsOpen(): number;
  close(): Promise<void>;
}

/** The control path: NATS, or a simulated network. */
export interface ControlLink {
  hello(hello: Hello): void;
  onRequest(handler: (request: AgentRequest) => Promise<AgentResponse>): void;
  onLease(handler: (lease: Lease) => void): void;
  onAbort(handler: (abort: Abort) => void): void;
  close(): Promise<void>;
}

export interface ReportStreamEvents {
  /** Everything of this epoch up to and with `sequence` is safe. */
  onAck(epoch: number, sequence: number): void;
  /** The coordinator refuses this stream for good. */
  onRefusal(refusal: Refusal): void;
  /** The stream broke; the link opens a new one by itself and then calls `onOpen`. */
  onLost(): void;
  onOpen(): void;
}

/** One report stream to a coordinator: gRPC, or a simulated network. */
export interface ReportStream {
  /** False when the stream is not open or its buffer is full; the caller keeps the message. */
  sendInterval(report: IntervalReport): boolean;
  /** As `sendInterval`, of a report that was encoded when it was sealed (shared/wire/report-codec.ts). */
  sendEncodedInterval?(report: Uint8Array): boolean;
  sendRecords(batch: RecordBatch): boolean;
  close(): Promise<void>;
}

/** The result path. */
export interface ReportLink {
  open(address: ReportAddress, agentId: string, events: ReportStreamEvents): ReportStream;
}

/** What the machine says of this process. Deltas since the last call where named so. */
export interface ProcessGauges {
  /** CPU seconds this process used so far. */
  cpuSeconds(): number;
  rssBytes(): number;
  /** Event-loop utilisation since the last call, 0 to 1. */
  eventLoopUtilisation(): number;
  /** Calls `onPause` for every garbage-collection pause, until closed. */
  onGcPause(onPause: (durationNs: number) => void): CancelCall;
  /** cgroup throttling so far, ns; 0 where it cannot be known. */
  throttledNs(): number;
}

/** What the system lets this process open; undefined where it does not say. */
export interface SocketLimits {
  readonly descriptorsMax: number | undefined;
  /** For each address of the host. */
  readonly localPorts: number | undefined;
}

/** A server that only answers, in a process of its own on this host: what an agent calibrates itself against. */
export interface NullSink {
  /** Base URL, with `/v1`. */
  readonly url: string;
  /** What it logged since it was asked last. */
  takeLog(): Promise<readonly SinkEntry[]>;
  close(): void;
}
