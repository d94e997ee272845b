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

/** The control path: NATS, or a simulated network. */
export interface FleetLink {
  onHello(handler: (hello: Hello) => void): void;
  /** Rejects with a LoadError (LL_AGENT_SILENT) after `timeoutNs`. */
  request(agentId: string, request: AgentRequest, timeoutNs: number): Promise<AgentResponse>;
  publishLease(lease: Lease): void;
  publishAbort(abort: Abort): void;
  close(): Promise<void>;
}

/** What the result path hands to the coordinator. The returned promise settles when it is on disk. */
export interface ReportReceiver {
  /**
   * Resolves to a refusal when the report is not of this run, malformed, or in conflict with one taken before.
   *
   * @param bytes the report as it came, where it came as bytes: what is written down need not be encoded anew.
   */
  onInterval(report: IntervalReport, bytes?: Uint8Array): Promise<Refusal | undefined>;
  /** Resolves to a refusal when the records are not of this run. */
  onRecords(batch: RecordBatch): Promise<Refusal | undefined>;
  /** A message of this agent could not be read, so that nothing more of it is taken. */
  onMalformed?(agentId: string, refusal: Refusal): void;
}

/** The result path: gRPC, or a simulated network. */
export interface ReportServer {
  readonly address: ReportAddress;
  close(): Promise<void>;
}

/** One line of the run's decisions; the first field says which. */
export interface LogEntry {
  readonly kind: string;
  /** Run clock, ns. */
  readonly atNs: number;
  readonly [field: string]: unknown;
}

/** The run folder. Every append resolves once the write to disk returned. */
export interface RunStore {
  readonly directory: string;
  writePlan(plan: unknown): Promise<void>;
  appendInterval(report: IntervalReport, bytes?: Uint8Array): Promise<void>;
  appendLog(entry: LogEntry): Promise<void>;
  /** What the target said of itself, in `server.jsonl`. */
  appendServer(entry: LogEntry): Promise<void>;
  appendRecords(batch: RecordBatch): Promise<void>;
  /** Writes a whole file, by way of a temporary name, so that it is never half there. */
  writeFile(name: string, contents: string | Uint8Array): Promise<void>;
  close(): Promise<void>;
}
