import type { Clock } from "../../shared/time/clock.ts";
import type { Endpoint, RequestOrder, StreamListener } from "../ports.ts";

/** A request as this agent saw it; agent's clock, ns. */
export interface TapedRequest {
  readonly number: number;
  readonly sentAtNs: number;
  /** One for each content event; those of one read share an instant. */
  readonly contentAtNs: readonly number[];
}

type Encode = (prompt: string, outputTokens: number) => RequestOrder;

interface NumberedOrder extends RequestOrder {
  readonly number: number;
}

/** Runs along with a real endpoint and keeps the instants of each request, for a server's log to be held against. */
export class Tape {
  readonly requests: TapedRequest[] = [];
  /** Content events so far, of all requests. */
  contentEvents = 0;
  readonly #clock: Clock;
  #numbered = 0;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** Numbers each prompt, so that the server's log can say which request it is about. */
  encoder(encode: Encode): Encode {
    return (prompt, outputTokens) => {
      const number = this.#numbered;
      this.#numbered += 1;
      const order: NumberedOrder = { ...encode(`#${number} ${prompt}`, outputTokens), number };
      return order;
    };
  }

  endpoint(endpoint: Endpoint): Endpoint {
    return {
      send: (order, listener) => endpoint.send(order, this.#listener(order, listener)),
      connect: (connections) => endpoint.connect(connections),
      socketsOpen: () => endpoint.socketsOpen(),
      close: () => endpoint.close(),
    };
  }

  #listener(order: RequestOrder, listener: StreamListener): StreamListener {
    const { number } = order as NumberedOrder;
    const contentAtNs: number[] = [];
    this.requests.push({ number, sentAtNs: this.#clock.nowNs(), contentAtNs });
    return {
      onHeaders: (atNs, status) => {
        listener.onHeaders(atNs, status);
      },
      onContent: (atNs, events, hasAnswer) => {
        for (let event = 0; event < events; event += 1) contentAtNs.push(atNs);
        this.contentEvents += events;
        listener.onContent(atNs, events, hasAnswer);
      },
      onBytes: (count) => {
        listener.onBytes(count);
      },
      onUsage: (inputTokens, outputTokens) => {
        listener.onUsage(inputTokens, outputTokens);
      },
      onEnd: (...end) => {
        listener.onEnd(...end);
      },
    };
  }
}
