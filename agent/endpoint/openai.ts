import { NS_PER_SECOND } from "../../shared/units.ts";
import type { Target } from "../../shared/control/control.ts";
import type { CancelCall, Clock } from "../../shared/time/clock.ts";
import type { Endpoint, RequestOrder, StreamListener } from "../ports.ts";
import { ChatEvents } from "./chat-events.ts";
import { Connections } from "./connections.ts";
import { CHAT_PATH } from "./openai-chat.ts";
import { COMPLETIONS_PATH } from "./openai-completions.ts";
import { redact } from "./redact.ts";
import { requestEncoder } from "./request-bytes.ts";
import { requestHeaders } from "./request-headers.ts";
import { StreamExchange, type ExchangeContext } from "./stream-exchange.ts";

/** How long a response may stay open after its `[DONE]` before its connection is closed. */
const LINGER_MAX_NS = 5 * NS_PER_SECOND;

export interface OpenAiEndpointOptions {
  readonly target: Target;
  readonly clock: Clock;
  /** The key itself, resolved on this machine; never logged. */
  readonly apiKey: string | undefined;
  /** Connect to these addresses only, whatever the name says by now (see agent/policy). */
  readonly addresses?: readonly string[];
  /** Addresses of this host to connect from, in turn; none leaves it to the system. */
  readonly sourceAddresses?: readonly string[];
}

/** An endpoint that also says what it did on its own account. */
export interface OpenAiEndpoint extends Endpoint {
  /** Requests sent again because the reused connection they went to was dead. */
  redoneCount(): number;
}

/**
 * Speaks to `target` as OpenAI's chat or completions API, over as many HTTP/1.1 connections as there are requests.
 *
 * A request that has not ended `target.timeoutNs` after its send ends as a time-out (0 = never). No redirect is
 * followed and nothing is retried, but for what went into a connection that the server had already closed.
 */
export function openaiEndpoint(options: OpenAiEndpointOptions): OpenAiEndpoint {
  return new OpenAi(options);
}

class OpenAi implements OpenAiEndpoint {
  readonly #clock: Clock;
  readonly #timeoutNs: number;
  readonly #connections: Connections;
  readonly #context: ExchangeContext;
  /** Not ended, in the order of their sends, which is the order of their time-outs. */
  readonly #open = new Set<StreamExchange>();
  /** Ended by `[DONE]` or an error event, their response not yet whole; when that was. */
  readonly #lingering = new Map<StreamExchange, number>();
  #cancelDeadline: CancelCall | undefined;
  #redoneCount = 0;

  constructor({ target, clock, apiKey, addresses, sourceAddresses }: OpenAiEndpointOptions) {
    this.#clock = clock;
    this.#timeoutNs = target.timeoutNs;
    const { url, caPem, tlsInsecure } = target;
    this.#connections = new Connections(
      { url, caPem, tlsInsecure, addresses, sourceAddresses },
      clock,
    );
    this.#context = {
      clock,
      connections: this.#connections,
      events: new ChatEvents(),
      encode: requestEncoder({
        url: target.url,
        method: "POST",
        path: target.endpoint === "chat" ? CHAT_PATH : COMPLETIONS_PATH,
        headers: requestHeaders({ headers: target.headers, apiKey, accept: "text/event-stream" }),
      }),
      choices: choicesAsked(target),
      redact: (text) => redact(text, apiKey),
      onRedo: () => {
        this.#redoneCount += 1;
      },
      onEnd: (exchange, isSettled) => {
        this.#open.delete(exchange);
        if (!isSettled) {
          this.#lingering.set(exchange, clock.nowNs());
        }
      },
      onSettled: (exchange) => {
        this.#lingering.delete(exchange);
      },
    };
  }

  send(order: RequestOrder, listener: StreamListener): (outcome: "timeout" | "censored") => void {
    if (this.#lingering.size > 0) {
      this.#closeLingering();
    }
    const exchange = new StreamExchange(this.#context, order, listener);
    this.#open.add(exchange);
    exchange.send();
    this.#armDeadline();
    return (outcome) => {
      exchange.giveUp(outcome);
    };
  }

  connect(connections: number): Promise<void> {
    return this.#connections.openAhead(connections);
  }

  socketsOpen(): number {
    return this.#connections.socketsOpen;
  }

  redoneCount(): number {
    return this.#redoneCount;
  }

  async close(): Promise<void> {
    this.#cancelDeadline?.();
    this.#cancelDeadline = undefined;
    for (const exchange of [...this.#open]) {
      exchange.giveUp("censored");
    }
    await this.#connections.close();
  }

  /** One call of the clock for all requests: the oldest one's. */
  #armDeadline(): void {
    const [oldest] = this.#open;
    if (oldest === undefined || this.#timeoutNs <= 0 || this.#cancelDeadline !== undefined) {
      return;
    }
    this.#cancelDeadline = this.#clock.callAt(oldest.sentAtNs + this.#timeoutNs, () => {
      this.#cancelDeadline = undefined;
      const sentByNs = this.#clock.nowNs() - this.#timeoutNs;
      for (const exchange of this.#open) {
        if (exchange.sentAtNs > sentByNs) {
          break;
        }
        exchange.giveUp("timeout");
      }
      this.#armDeadline();
    });
  }

  /** A server that never ends a body would hold a socket for each request it answered. */
  #closeLingering(): void {
    const endedByNs = this.#clock.nowNs() - LINGER_MAX_NS;
    for (const [exchange, endedAtNs] of this.#lingering) {
      if (endedAtNs > endedByNs) {
        break;
      }
      exchange.abandon();
    }
  }
}

/** `n` of the request; 1 unless the user's own fields ask for more. */
function choicesAsked(target: Target): number {
  const n = target.extraBody["n"];
  return typeof n === "number" && Number.isSafeInteger(n) && n > 1 ? n : 1;
}
