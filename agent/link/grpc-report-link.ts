import type { ClientDuplexStream, StatusObject } from "@grpc/grpc-js";
import { Client, Metadata, status } from "@grpc/grpc-js";
import type { Refusal, ReportAddress } from "../../shared/control/control.ts";
import { assert } from "../../shared/assert.ts";
import type { IntervalReport, RecordBatch } from "../../shared/measurement/report.ts";
import { channelOptions } from "../../shared/platform/grpc.ts";
import type { CancelCall, Clock } from "../../shared/time/clock.ts";
import { NS_PER_MS } from "../../shared/units.ts";
import type { ReportDown } from "../../shared/wire/report-codec.ts";
import {
  AGENT_ID_METADATA,
  AUTHORIZATION_METADATA,
  bearer,
  openReportStream,
} from "../../shared/wire/report-service.ts";
import type { ReportSent } from "../../shared/wire/report-service.ts";
import type { ReportLink, ReportStream, ReportStreamEvents } from "../ports.ts";
import { reportCredentials, type ReportLinkTls, whyNotReport } from "./report-credentials.ts";

/** Acknowledgements and refusals are short. */
const RECEIVE_BYTES_MAX = 64 * 1024;

/** Reports handed to gRPC and not yet on the socket. */
const QUEUED_INTERVALS_MAX = 16;
/** Records wait until nearly nothing else does, so that a report never stands behind more than two batches. */
const QUEUED_BEFORE_RECORDS_MAX = 1;

/** The first wait before a new stream; it doubles up to the longest, and each is shortened at random by up to half. */
const BACK_OFF_FIRST_NS = 100 * NS_PER_MS;
const BACK_OFF_MAX_NS = 5_000 * NS_PER_MS;

/** How long a stream may take to open before another is tried. */
const OPEN_MAX_NS = 10_000 * NS_PER_MS;

/** How long `close` waits for the coordinator to end the stream. */
const CLOSE_MAX_NS = 1_000 * NS_PER_MS;

const TLS_NAME = "coordinator";

/** Statuses after which another attempt would only be refused again. */
const REFUSING: ReadonlyMap<status, string> = new Map([
  [status.UNAUTHENTICATED, "LL_REPORT_UNAUTHENTICATED"],
  [status.PERMISSION_DENIED, "LL_REPORT_UNAUTHENTICATED"],
  [status.UNIMPLEMENTED, "LL_REPORT_NOT_SERVED"],
]);

export interface GrpcReportLinkOptions {
  readonly agentId: string;
  /** The run's token. */
  readonly token: string;
  readonly clock: Clock;
  /** With it, reports go to coordinators of its authority only; without, only to one that has no certificate. */
  readonly tls?: ReportLinkTls | undefined;
  /** 0 to 1; spreads the attempts of many agents. */
  readonly random?: () => number;
}

/** The result path over gRPC. */
export function grpcReportLink(options: GrpcReportLinkOptions): ReportLink {
  return {
    open(address, agentId, events) {
      assert(agentId === options.agentId, "an agent opens report streams in its own name only");
      return new GrpcReportStream({ ...options, address, events });
    },
  };
}

type Call = ClientDuplexStream<ReportSent, ReportDown>;

type StreamOptions = GrpcReportLinkOptions & {
  readonly address: ReportAddress;
  readonly events: ReportStreamEvents;
};

/** One stream after another to one address, for ever, until it is closed or refused. */
class GrpcReportStream implements ReportStream {
  readonly #options: StreamOptions;
  #state: "opening" | "open" | "waiting" | "over" = "waiting";
  #client: Client | undefined;
  #call: Call | undefined;
  /** The wait for the next attempt, or for this attempt's end. */
  #cancelWait: CancelCall = nothing;
  #backOffNs = BACK_OFF_FIRST_NS;
  #queued = 0;
  /** Somebody was told that there is no room, and waits for `onOpen`. */
  #owesOnOpen = false;

  constructor(options: StreamOptions) {
    this.#options = options;
    const refusal = whyNotReport(options.address, options.tls);
    if (refusal !== undefined) {
      // Later, as every other event: the caller does not have this stream yet.
      this.#cancelWait = options.clock.callAt(options.clock.nowNs(), () => {
        this.#refuse(refusal);
      });
      return;
    }
    this.#cancelWait = options.clock.callAt(options.clock.nowNs(), () => {
      this.#attempt();
    });
  }

  sendInterval(report: IntervalReport): boolean {
    return this.#send({ kind: "interval", report }, QUEUED_INTERVALS_MAX);
  }

  sendEncodedInterval(report: Uint8Array): boolean {
    return this.#send({ kind: "encoded", report }, QUEUED_INTERVALS_MAX);
  }

  sendRecords(batch: RecordBatch): boolean {
    return this.#send({ kind: "records", batch }, QUEUED_BEFORE_RECORDS_MAX);
  }

  async close(): Promise<void> {
    const call = this.#state === "open" ? this.#call : undefined;
    this.#state = "over";
    this.#cancelWait();
    if (call !== undefined) await this.#ended(call);
    this.#drop();
  }

  #send(sent: ReportSent, queuedMax: number): boolean {
    if (this.#state !== "open" || this.#call === undefined) return false;
    if (this.#queued >= queuedMax) {
      this.#owesOnOpen = true;
      return false;
    }
    const call = this.#call;
    this.#queued += 1;
    call.write(sent, () => {
      if (call === this.#call) this.#onWritten();
    });
    return true;
  }

  #onWritten(): void {
    this.#queued -= 1;
    if (!this.#owesOnOpen || this.#queued > 0) return;
    this.#owesOnOpen = false;
    if (this.#state === "open") this.#options.events.onOpen();
  }

  #attempt(): void {
    const { address, agentId, token, clock } = this.#options;
    this.#state = "opening";
    const metadata = new Metadata();
    metadata.set(AUTHORIZATION_METADATA, bearer(token));
    metadata.set(AGENT_ID_METADATA, Buffer.from(agentId, "utf8"));
    const credentials = reportCredentials(address, this.#options.tls);
    // A client of its own for each attempt: gRPC's back-off, which knows no Clock, never comes into play.
    this.#client = new Client(address.url, credentials, {
      ...channelOptions(RECEIVE_BYTES_MAX),
      // An address is no name to ask for in a handshake (RFC 6066); the certificate is known by its fingerprint.
      "grpc.ssl_target_name_override": TLS_NAME,
    });
    const call = openReportStream(this.#client, metadata);
    this.#call = call;
    this.#queued = 0;
    this.#owesOnOpen = false;
    call.on("metadata", () => {
      if (call === this.#call) this.#onOpened();
    });
    call.on("data", (down: ReportDown) => {
      if (call === this.#call) this.#onDown(down);
    });
    // The status says it all; without a listener an error would end the process.
    call.on("error", nothing);
    call.on("status", (ended) => {
      if (call === this.#call) this.#onEnded(ended);
    });
    this.#cancelWait = clock.callAt(clock.nowNs() + OPEN_MAX_NS, () => {
      call.cancel();
    });
  }

  #onOpened(): void {
    if (this.#state !== "opening") return;
    this.#cancelWait();
    this.#state = "open";
    this.#options.events.onOpen();
  }

  #onDown(down: ReportDown): void {
    if (this.#state !== "open") return;
    if (down.kind === "refusal") {
      this.#refuse(down.refusal);
      return;
    }
    // A coordinator that opens streams and keeps nothing must not be asked ten times a second.
    this.#backOffNs = BACK_OFF_FIRST_NS;
    this.#options.events.onAck(down.ack.epoch, down.ack.sequence);
  }

  #onEnded(ended: StatusObject): void {
    const wasOpen = this.#state === "open";
    if (this.#state === "over") return;
    this.#cancelWait();
    const code = REFUSING.get(ended.code) ?? codeOfTls(ended);
    if (code !== undefined) {
      this.#refuse(refusedBy(this.#options.address, { code, details: ended.details }));
      return;
    }
    this.#drop();
    this.#state = "waiting";
    const { clock, events, random = Math.random } = this.#options;
    const waitNs = this.#backOffNs * (1 - random() / 2);
    this.#backOffNs = Math.min(BACK_OFF_MAX_NS, this.#backOffNs * 2);
    this.#cancelWait = clock.callAt(clock.nowNs() + waitNs, () => {
      this.#attempt();
    });
    if (wasOpen) events.onLost();
  }

  #refuse(refusal: Refusal): void {
    this.#state = "over";
    this.#cancelWait();
    this.#drop();
    this.#options.events.onRefusal(refusal);
  }

  #drop(): void {
    const call = this.#call;
    this.#call = undefined;
    call?.cancel();
    this.#client?.close();
    this.#client = undefined;
  }

  /** Half-closes, so that what was written still arrives, and waits for the coordinator's end of it. */
  #ended(call: Call): Promise<void> {
    const { clock } = this.#options;
    return new Promise((resolve) => {
      const cancel = clock.callAt(clock.nowNs() + CLOSE_MAX_NS, resolve);
      call.on("status", () => {
        cancel();
        resolve();
      });
      call.end();
    });
  }
}

function nothing(): void {
  // There is nothing to take back, or to add.
}

/** A certificate that is not accepted now will not be at the next attempt. */
function codeOfTls({ code, details }: StatusObject): string | undefined {
  return code === status.UNAVAILABLE && /certificate/i.test(details) ? "LL_REPORT_TLS" : undefined;
}

function refusedBy(address: ReportAddress, status: { code: string; details: string }): Refusal {
  return {
    code: status.code,
    message: `reports do not reach ${address.url}: ${status.details}`,
    hint: "agent and coordinator must share the fleet's identities or the run's token, and the version of Loadline",
  };
}
