import type { Msg, NatsConnection, Subscription } from "@nats-io/transport-node";
import { LoadError } from "../errors.ts";

/**
 * Subscriptions whose handlers may throw. An error that escaped from a callback would end the client's read
 * loop without a word, and with it the whole connection; here it is counted and told instead.
 */
export class NatsListener {
  readonly #connection: NatsConnection;
  readonly #onFault: (error: unknown) => void;
  readonly #subscriptions: Subscription[] = [];
  #malformedCount = 0;

  constructor(connection: NatsConnection, onFault: (error: unknown) => void = () => undefined) {
    this.#connection = connection;
    this.#onFault = onFault;
  }

  /** How many messages were refused because they were none. */
  get malformedCount(): number {
    return this.#malformedCount;
  }

  listen(subject: string, take: (message: Msg) => void): void {
    const callback = (error: Error | null, message: Msg): void => {
      try {
        if (error !== null) throw error;
        take(message);
      } catch (fault) {
        this.fault(fault);
      }
    };
    this.#subscriptions.push(this.#connection.subscribe(subject, { callback }));
  }

  fault(fault: unknown): void {
    if (fault instanceof LoadError && fault.code === "LL_MESSAGE_MALFORMED") this.#malformedCount++;
    this.#onFault(fault);
  }

  /** Ends the subscriptions; the connection stays open. */
  close(): Promise<void> {
    for (const subscription of this.#subscriptions) subscription.unsubscribe();
    return Promise.resolve();
  }
}
