import type { Clock } from "../../shared/time/clock.ts";
import { NS_PER_MS } from "../../shared/units.ts";
import { Connection } from "./connection.ts";
import { Dialler, type DialOptions } from "./dialler.ts";

/**
 * How long a connection rests before it is used again. Some servers close one right after a stream (llama-server
 * within 0.1 ms): by then we know, and need not send a request into it and once more.
 */
const REST_NS = 2 * NS_PER_MS;

/**
 * The connections to one target: as many as there are requests, kept open between them, without a bound (the bound
 * is the dispatcher's, who counts what it drops).
 */
export class Connections {
  readonly #dialler: Dialler;
  readonly #clock: Clock;
  /** In the order they became idle; the one that rested longest is taken first. */
  readonly #idle = new Set<Connection>();
  readonly #busy = new Set<Connection>();
  /** Opened ahead, never used. */
  readonly #spares = new Set<Connection>();

  constructor(options: DialOptions, clock: Clock) {
    this.#clock = clock;
    this.#dialler = new Dialler(options);
  }

  take(): Connection {
    const connection = this.#takeRested() ?? this.#takeSpare() ?? this.#dial();
    this.#busy.add(connection);
    return connection;
  }

  /** A connection whose socket is dialled anew. */
  takeFresh(): Connection {
    const connection = this.#dial();
    this.#busy.add(connection);
    return connection;
  }

  /** Takes back a connection whose response is whole; closes it where the server will not take another request. */
  giveBack(connection: Connection): void {
    if (!connection.mayBeKept) {
      this.discard(connection);
    } else if (this.#busy.delete(connection)) {
      connection.isReused = true;
      connection.idleAtNs = this.#clock.nowNs();
      this.#idle.add(connection);
    }
  }

  /** Closes a connection whose response is not whole, or that has none to come. */
  discard(connection: Connection): void {
    this.#busy.delete(connection);
    connection.destroy();
  }

  /** Opens sockets that the next new connections start with. Resolves when each one is open or has failed. */
  async openAhead(count: number): Promise<void> {
    const missing = Math.max(0, count - this.#spares.size);
    await Promise.all(Array.from({ length: missing }, () => this.#openSpare()));
  }

  get socketsOpen(): number {
    return this.#dialler.socketsOpen;
  }

  async close(): Promise<void> {
    for (const connection of [...this.#idle, ...this.#busy, ...this.#spares]) {
      connection.destroy();
    }
    await this.#dialler.destroyAll();
  }

  #dial(onOpen: () => void = () => undefined): Connection {
    return new Connection(this.#dialler, { open: onOpen, closed: this.#forget });
  }

  readonly #forget = (connection: Connection): void => {
    this.#idle.delete(connection);
    this.#busy.delete(connection);
    this.#spares.delete(connection);
  };

  #openSpare(): Promise<void> {
    return new Promise((resolve) => {
      const spare = new Connection(this.#dialler, {
        open: () => {
          this.#spares.add(spare);
          spare.isReused = true;
          resolve();
        },
        // A failure is found again, and told, by the request that needs the socket.
        closed: (connection) => {
          this.#forget(connection);
          resolve();
        },
      });
    });
  }

  #takeRested(): Connection | undefined {
    const [oldest] = this.#idle;
    if (oldest === undefined || this.#clock.nowNs() - oldest.idleAtNs < REST_NS) {
      return undefined;
    }
    this.#idle.delete(oldest);
    return oldest;
  }

  #takeSpare(): Connection | undefined {
    const [spare] = this.#spares;
    if (spare !== undefined) {
      this.#spares.delete(spare);
    }
    return spare;
  }
}
