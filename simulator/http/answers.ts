import type { ServerResponse } from "node:http";
import type { Account } from "./account.ts";
import type { ChunkedBody } from "./chunked-body.ts";
import type { EventStream } from "./event-stream.ts";
import type { LiveRequest } from "./live-engine.ts";

/** An answer that ends early on purpose. */
export interface EarlyEnd {
  readonly kind: "cut" | "stream-error";
  /** With this many tokens sent; fewer than the request has. */
  readonly afterTokens: number;
}

interface AnswerParts {
  readonly response: ServerResponse;
  readonly account: Account;
  readonly promptTokens: number;
  readonly outputTokens: number;
  readonly finishReason: "stop" | "length";
  readonly earlyEnd: EarlyEnd | undefined;
  /** JSON of the error that an early end sends. */
  readonly errorJson: string;
}

/** What streamed and whole answers share: tokens are counted, and stop where they are to end early. */
abstract class Answer implements LiveRequest {
  readonly promptTokens: number;
  readonly outputTokens: number;
  protected readonly parts: AnswerParts;
  protected state: "going" | "through" | "cut" | "stream-error" = "going";

  constructor(parts: AnswerParts) {
    this.parts = parts;
    this.promptTokens = parts.promptTokens;
    this.outputTokens = parts.outputTokens;
  }

  protected abstract take(k: number): void;
  /** @returns false when the client is to be let go. */
  protected abstract send(): boolean;

  onStart(atNs: number): void {
    if (!this.parts.account.over) this.parts.account.started(atNs);
  }

  onToken(atNs: number, k: number): boolean {
    const { account, earlyEnd } = this.parts;
    // The client left, and the slot is held for it all the same.
    if (account.over) return true;
    if (earlyEnd !== undefined && k > earlyEnd.afterTokens) {
      this.state = earlyEnd.kind;
      return false;
    }
    account.token(atNs);
    this.take(k);
    if (k === this.outputTokens) this.state = "through";
    return true;
  }

  flush(nowNs: number): boolean {
    const { account, finishReason, response } = this.parts;
    if (account.over) return true;
    account.written(nowNs);
    const isRead = this.send();
    if (this.state === "through") account.end(nowNs, "ok", finishReason);
    else if (this.state !== "going") account.end(nowNs, this.state, "abort");
    else if (!isRead) {
      account.end(nowNs, "slow-reader", "abort");
      response.destroy();
      return false;
    }
    return true;
  }
}

/** Tokens leave as they come. */
export class StreamedAnswer extends Answer {
  readonly #stream: EventStream;
  readonly #body: ChunkedBody;
  readonly #closes: boolean;
  readonly #takeChunk: (text: string) => void;

  constructor(
    parts: AnswerParts,
    streamed: {
      readonly stream: EventStream;
      readonly body: ChunkedBody;
      readonly closes: boolean;
    },
  ) {
    super(parts);
    this.#stream = streamed.stream;
    this.#body = streamed.body;
    this.#closes = streamed.closes;
    this.#takeChunk = (text) => {
      this.#body.add(text);
    };
  }

  protected override take(k: number): void {
    this.#stream.token(k, this.#takeChunk);
  }

  protected override send(): boolean {
    switch (this.state) {
      case "going":
        return this.#body.flush();
      case "cut":
        this.#body.cut();
        return true;
      case "stream-error":
        this.#stream.fail(this.parts.errorJson, this.#takeChunk);
        this.#end();
        return true;
      case "through":
        this.#end();
        return true;
    }
  }

  #end(): void {
    const { response } = this.parts;
    const { socket } = response;
    if (this.#closes && socket !== null) {
      response.once("finish", () => {
        socket.end();
      });
    }
    this.#body.end();
  }
}

/** One JSON body when the last token came. */
export class WholeAnswer extends Answer {
  readonly #makeBody: () => string;

  /** @param makeBody called once, with the last token. */
  constructor(parts: AnswerParts, makeBody: () => string) {
    super(parts);
    this.#makeBody = makeBody;
  }

  protected override take(): void {
    // Nothing leaves before the last token.
  }

  protected override send(): boolean {
    const { response, account, errorJson } = this.parts;
    switch (this.state) {
      case "going":
        break;
      case "cut":
        response.socket?.destroy();
        break;
      case "stream-error":
        account.status(500);
        response.writeHead(500, { "content-type": "application/json" }).end(errorJson);
        break;
      case "through":
        account.status(200);
        response.writeHead(200, { "content-type": "application/json" }).end(this.#makeBody());
        break;
    }
    return true;
  }
}
