import type { ServerDuplexStream } from "@grpc/grpc-js";
import { status } from "@grpc/grpc-js";
import type { Refusal } from "../../shared/control/control.ts";
import { LoadError } from "../../shared/errors.ts";
import type { IntervalReport, RecordBatch } from "../../shared/measurement/report.ts";
import type { Ack, ReportDown } from "../../shared/wire/report-codec.ts";
import type { ReportReceived } from "../../shared/wire/report-service.ts";
import type { ReportReceiver } from "../ports.ts";

export type ReportCall = ServerDuplexStream<ReportReceived, ReportDown>;

/** While more reports wait to be read, one acknowledgement stands for at most this many. */
const REPORTS_PER_ACK_MAX = 16;

/** How a stream came to its end. */
export type StreamEnd =
  /** The agent said all it had, or this server closes. */
  | { readonly kind: "done" }
  | { readonly kind: "refused"; readonly refusal: Refusal }
  /** The receiver could not keep a message: nothing is wrong with the agent, it will send it again. */
  | { readonly kind: "failed"; readonly error: unknown }
  /** The peer went away, or gRPC ended the stream itself, over a message above its receive limit. */
  | { readonly kind: "cut" };

/**
 * One agent's stream: its messages are handled one after another, in their order, and a report is acknowledged
 * once the receiver's promise resolved.
 *
 * What is acknowledged is the highest sequence of the epoch that this stream brought. An agent sends what is not
 * acknowledged in ascending order, so a hole means that it no longer has the report: the hole is the merge's to
 * name, and holding the acknowledgement back would only make the agent send the rest for ever.
 */
export class ReportStreamSession {
  readonly #call: ReportCall;
  readonly #agentId: string;
  readonly #receiver: ReportReceiver;
  readonly #onTaken: (received: "interval" | "records") => void;
  /** Settles when the message in hand is dealt with. */
  #inHand: Promise<unknown> = Promise.resolve();
  #closing = false;
  #ack: Ack | undefined;
  #unacknowledged = 0;

  constructor(options: {
    call: ReportCall;
    agentId: string;
    receiver: ReportReceiver;
    onTaken: (received: "interval" | "records") => void;
  }) {
    this.#call = options.call;
    this.#agentId = options.agentId;
    this.#receiver = options.receiver;
    this.#onTaken = options.onTaken;
  }

  /** Serves the stream to its end; never rejects. */
  async serve(): Promise<StreamEnd> {
    const call = this.#call;
    call.on("drain", () => {
      this.#flushAck();
    });
    try {
      for await (const received of messagesOf(call)) {
        if (this.#closing) break;
        const handled = this.#handle(received);
        this.#inHand = handled;
        const end = await handled;
        if (end !== undefined) return this.#end(end);
        // After any message: records behind a report must not hold its acknowledgement back.
        const moreWaits = call.readableLength > 0;
        if (!moreWaits || this.#unacknowledged >= REPORTS_PER_ACK_MAX) this.#flushAck();
      }
    } catch {
      return { kind: this.#closing ? "done" : "cut" };
    }
    return this.#end({ kind: "done" });
  }

  /** Finishes the message in hand, acknowledges what is safe and ends the stream; the agent keeps the rest. */
  async close(): Promise<void> {
    this.#closing = true;
    await this.#inHand;
    this.#end({ kind: "done" });
  }

  async #handle(received: ReportReceived): Promise<StreamEnd | undefined> {
    if (received.kind === "malformed") {
      const refusal = refusalOf(received.error);
      this.#receiver.onMalformed?.(this.#agentId, refusal);
      return refused(refusal);
    }
    const message = received.kind === "interval" ? received.report : received.batch;
    if (message.agentId !== this.#agentId) return refused(foreignAgent(this.#agentId, message));
    try {
      const refusal = await this.#take(received);
      if (refusal !== undefined) return refused(refusal);
    } catch (error) {
      return { kind: "failed", error };
    }
    this.#onTaken(received.kind);
    if (received.kind === "interval") this.#acknowledge(received.report);
    return undefined;
  }

  #take(received: Exclude<ReportReceived, { kind: "malformed" }>): Promise<Refusal | undefined> {
    if (received.kind === "interval")
      return this.#receiver.onInterval(received.report, received.bytes);
    return this.#receiver.onRecords(received.batch);
  }

  #acknowledge({ epoch, sequence }: IntervalReport): void {
    if (this.#ack !== undefined && this.#ack.epoch !== epoch) this.#flushAck();
    const before = this.#ack?.epoch === epoch ? this.#ack.sequence : 0;
    this.#ack = { agentId: this.#agentId, epoch, sequence: Math.max(before, sequence) };
    this.#unacknowledged += 1;
  }

  /** An agent that does not read its acknowledgements must not fill this process: the newest one waits for room. */
  #flushAck(): void {
    if (this.#unacknowledged === 0 || this.#ack === undefined) return;
    if (this.#call.writableNeedDrain || !this.#call.writable) return;
    this.#unacknowledged = 0;
    this.#call.write({ kind: "ack", ack: this.#ack });
  }

  #end(end: StreamEnd): StreamEnd {
    const call = this.#call;
    if (!call.writable) return end;
    this.#flushAck();
    if (end.kind === "refused") call.write({ kind: "refusal", refusal: end.refusal });
    if (end.kind === "failed") {
      // grpc-js turns an error event of a server stream into its status.
      call.emit("error", { code: status.UNAVAILABLE, details: "the report could not be kept" });
    } else {
      call.end();
    }
    return end;
  }
}

/** Without `destroyOnReturn: false` the end of reading would also end the writing of acknowledgements. */
function messagesOf(call: ReportCall): AsyncIterable<ReportReceived> {
  return call.iterator({ destroyOnReturn: false }) as AsyncIterable<ReportReceived>;
}

function refused(refusal: Refusal): StreamEnd {
  return { kind: "refused", refusal };
}

function refusalOf(error: LoadError): Refusal {
  return { code: error.code, message: error.message, hint: error.hint };
}

function foreignAgent(agentId: string, message: IntervalReport | RecordBatch): Refusal {
  return {
    code: "LL_REPORT_FOREIGN_AGENT",
    message: `agent ${agentId} sent a report in the name of agent ${message.agentId}`,
    hint: "each agent reports for itself, on a stream of its own",
  };
}
