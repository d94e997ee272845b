import { NS_PER_SECOND } from "../../shared/units.ts";
import type { Outcome } from "../../shared/measurement/outcome.ts";
import type { Clock } from "../../shared/time/clock.ts";
import type { RequestOrder, StreamListener } from "../ports.ts";
import type { ChatEvents } from "./chat-events.ts";
import type { Connection, Exchange } from "./connection.ts";
import type { Connections } from "./connections.ts";
import { EventTemplate } from "./event-template.ts";
import { excerpt } from "./excerpt.ts";
import type { ResponseHead } from "./http1-head.ts";
import { CONTENT_MEANING, Meaning } from "./meaning.ts";
import type { EncodeRequest } from "./request-bytes.ts";
import { describeError, isClosedByPeer } from "./socket-error.ts";
import { SseScanner } from "./sse-scanner.ts";
import { UsageTally } from "./usage-tally.ts";

/** How much of the body of a refusal is kept for its excerpt, and how much is read to keep the connection. */
const REFUSAL_BYTES_KEPT = 2_048;
const REFUSAL_BYTES_READ_MAX = 64 * 1_024;

/**
 * A reused socket that dies later than this after the send did not die of being old: the server took the request and
 * hung up on it, which is an error of the server.
 */
const REDO_WITHIN_NS = NS_PER_SECOND;

/** What all exchanges of an endpoint share. */
export interface ExchangeContext {
  readonly clock: Clock;
  readonly connections: Connections;
  readonly events: ChatEvents;
  readonly encode: EncodeRequest;
  /** How many choices each request asks for. */
  readonly choices: number;
  /** Takes the key out of a text that goes to a log. */
  redact(text: string): string;
  /** The request was sent again on a fresh connection. */
  onRedo(): void;
  /** The listener is about to be told the end; `isSettled` is false while the response goes on. */
  onEnd(exchange: StreamExchange, isSettled: boolean): void;
  /** The connection is free again, or closed. */
  onSettled(exchange: StreamExchange): void;
}

/** One request and its streamed answer. Hot: `onRead` to `onReadEnd` run per read, `#takeEvent` per token. */
export class StreamExchange implements Exchange {
  sentAtNs = 0;
  readonly #context: ExchangeContext;
  readonly #order: RequestOrder;
  readonly #listener: StreamListener;
  #connection: Connection | undefined;

  #status = 0;
  #isRedone = false;
  #isFinished = false;
  #isEnded = false;

  #scanner: SseScanner | undefined;
  readonly #template = new EventTemplate();
  #usage: UsageTally | undefined;
  /** Why the body is no stream of tokens, while it is read for its excerpt. */
  #refusal: { readonly outcome: Outcome; readonly reason: string } | undefined;
  #refusalBody = "";
  #refusalBytes = 0;

  /**
   * The current read, and what it told so far: told on once it is through. One clock read for all that a read of the
   * socket brings, however many HTTP chunks and events it holds.
   */
  #readAtNs = 0;
  #isReading = false;
  #bodyBytes = 0;
  #contentEvents = 0;
  #hasAnswer = false;
  #hasUsage = false;

  constructor(context: ExchangeContext, order: RequestOrder, listener: StreamListener) {
    this.#context = context;
    this.#order = order;
    this.#listener = listener;
  }

  send(): void {
    this.sentAtNs = this.#context.clock.nowNs();
    this.#sendOn(this.#context.connections.take());
  }

  /** Ends the request as `outcome` and closes its socket; nothing once it has ended. */
  giveUp(outcome: "timeout" | "censored"): void {
    if (!this.#isEnded) {
      this.#end(outcome, this.#status === 0 ? "given up before a status line" : "given up");
      this.abandon();
    }
  }

  /** Closes the connection, whatever is still to come on it. */
  abandon(): void {
    this.#settle((connection) => {
      this.#context.connections.discard(connection);
    });
  }

  onRead(): void {
    this.#isReading = true;
    this.#readAtNs = this.#context.clock.nowNs();
  }

  onReadEnd(): void {
    this.#tellRead();
    this.#isReading = false;
  }

  onHead(head: ResponseHead): void {
    if (this.#isEnded) {
      return;
    }
    this.#status = head.status;
    this.#listener.onHeaders(this.#readAtNs, head.status);
    this.#refusal = refusalOf(head);
    if (this.#refusal === undefined) {
      this.#scanner = new SseScanner((buffer, start, end) => {
        this.#takeEvent(buffer, start, end);
      });
    }
  }

  onBody(buffer: Buffer, start: number, end: number): void {
    if (this.#isEnded) {
      return;
    }
    this.#bodyBytes += end - start;
    if (this.#scanner === undefined) {
      this.#readRefusal(buffer, start, end);
    } else if (!this.#scanner.push(buffer, start, end)) {
      this.#end("stream_error", "an event of the stream is larger than 1 MiB");
      this.abandon();
    }
  }

  onWhole(): void {
    this.#settle((connection) => {
      this.#context.connections.giveBack(connection);
    });
    if (this.#isEnded) {
      return;
    }
    if (this.#refusal !== undefined) {
      this.#endRefused();
    } else if (this.#isFinished) {
      this.#end("ok", "");
    } else {
      this.#end("stream_error", "the stream ended with neither finish_reason nor [DONE]");
    }
  }

  onFailure(error: Error): void {
    const connection = this.#connection;
    if (!this.#isEnded && connection !== undefined && this.#mayRedo(connection, error)) {
      this.#isRedone = true;
      this.#context.connections.discard(connection);
      this.#context.onRedo();
      this.#sendOn(this.#context.connections.takeFresh());
      return;
    }
    this.abandon();
    if (this.#isEnded) {
      return;
    }
    if (this.#status === 0) {
      this.#end("connect_error", describeError(error));
    } else if (this.#refusal !== undefined) {
      this.#endRefused();
    } else if (this.#isFinished) {
      this.#end("ok", "");
    } else {
      this.#end("stream_error", `the stream was cut: ${describeError(error)}`);
    }
  }

  #sendOn(connection: Connection): void {
    this.#connection = connection;
    connection.send(this.#context.encode(this.#order.body), this);
  }

  /**
   * Some servers close an idle connection without a word (llama-server after every stream). What was sent into it
   * never reached anyone, so it is sent again, once, and counts from the first send. Nothing else is ever retried.
   */
  #mayRedo(connection: Connection, error: Error): boolean {
    return (
      connection.isReused &&
      !this.#isRedone &&
      !connection.hasAnswered &&
      isClosedByPeer(error) &&
      this.#context.clock.nowNs() - this.sentAtNs < REDO_WITHIN_NS
    );
  }

  #takeEvent(buffer: Uint8Array, start: number, end: number): void {
    if (this.#isEnded) {
      return;
    }
    const { events } = this.#context;
    const meaning = events.read(buffer, start, end, this.#template);
    if ((meaning & CONTENT_MEANING) !== 0) {
      this.#contentEvents += 1;
      this.#hasAnswer ||= (meaning & Meaning.text) !== 0;
    }
    if (meaning > CONTENT_MEANING) {
      this.#takeRare(meaning);
    }
  }

  /** Everything but content: a few events of a stream. */
  #takeRare(meaning: number): void {
    this.#isFinished ||= (meaning & Meaning.finish) !== 0;
    const { parsed } = this.#context.events;
    if ((meaning & Meaning.usage) !== 0) {
      this.#usage ??= new UsageTally(this.#context.choices);
      this.#usage.add(parsed.usageChoice, parsed.inputTokens, parsed.outputTokens);
      this.#hasUsage = true;
    }
    if ((meaning & (Meaning.error | Meaning.malformed)) !== 0) {
      this.#end("stream_error", parsed.errorText);
    } else if ((meaning & Meaning.done) !== 0) {
      this.#end("ok", "");
    }
  }

  #tellRead(): void {
    if (this.#isEnded) {
      return;
    }
    if (this.#bodyBytes > 0) {
      const bytes = this.#bodyBytes;
      this.#bodyBytes = 0;
      this.#listener.onBytes(bytes);
    }
    if (this.#contentEvents > 0) {
      const events = this.#contentEvents;
      const hasAnswer = this.#hasAnswer;
      this.#contentEvents = 0;
      this.#hasAnswer = false;
      this.#listener.onContent(this.#readAtNs, events, hasAnswer);
    }
    if (this.#hasUsage && this.#usage !== undefined) {
      this.#hasUsage = false;
      this.#listener.onUsage(this.#usage.inputTokens, this.#usage.outputTokens);
    }
  }

  #readRefusal(buffer: Buffer, start: number, end: number): void {
    this.#refusalBytes += end - start;
    const missing = REFUSAL_BYTES_KEPT - this.#refusalBody.length;
    if (missing > 0) {
      this.#refusalBody += buffer.toString("utf8", start, Math.min(end, start + missing));
    }
    if (this.#refusalBytes > REFUSAL_BYTES_READ_MAX) {
      this.#endRefused();
      this.abandon();
    }
  }

  #endRefused(): void {
    if (this.#refusal !== undefined) {
      const { outcome, reason } = this.#refusal;
      const said = excerpt(this.#refusalBody);
      this.#end(outcome, said === "" ? reason : `${reason}: ${said}`);
    }
  }

  #end(outcome: Outcome, detail: string): void {
    this.#tellRead();
    if (this.#isEnded) {
      // The listener gave the request up while it was told of the read.
      return;
    }
    this.#isEnded = true;
    const atNs = this.#isReading ? this.#readAtNs : this.#context.clock.nowNs();
    this.#context.onEnd(this, this.#connection === undefined);
    this.#listener.onEnd(atNs, outcome, this.#status, this.#context.redact(detail));
  }

  #settle(free: (connection: Connection) => void): void {
    const connection = this.#connection;
    if (connection !== undefined) {
      this.#connection = undefined;
      free(connection);
      this.#context.onSettled(this);
    }
  }
}

/** Why what follows this head is no stream of tokens; undefined when it is one. */
function refusalOf({
  status,
  headers,
}: ResponseHead): { readonly outcome: Outcome; readonly reason: string } | undefined {
  if (status >= 400) {
    return { outcome: "http_error", reason: `HTTP ${status}` };
  }
  if (status >= 300) {
    const location = headers.get("location");
    const where = location === undefined ? "" : ` to ${excerpt(location)}`;
    return { outcome: "http_error", reason: `HTTP ${status}, a redirect${where} (not followed)` };
  }
  const encoding = headers.get("content-encoding") ?? "identity";
  if (encoding.toLowerCase() !== "identity") {
    return { outcome: "stream_error", reason: `does not stream: content-encoding ${encoding}` };
  }
  const type = headers.get("content-type");
  if (type !== undefined && !/^\s*text\/event-stream\b/i.test(type)) {
    return { outcome: "stream_error", reason: `does not stream: content-type ${excerpt(type)}` };
  }
  return undefined;
}
