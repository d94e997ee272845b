import type { Socket } from "node:net";
import { Client } from "undici";
import type { Clock } from "../../shared/time/clock.ts";
import { NS_PER_MS } from "../../shared/units.ts";
import { Dialler, type DialOptions, type OnDialled } from "./dialler.ts";

/**
 * How long a connection rests before it is used again. Some servers close one right after a stream (llama-server
 * within 0.1 ms): by then we know, and need not send a request into it and once more.
 */
const REST_NS = 2 * NS_PER_MS;

/** One HTTP/1.1 connection, with at most one request on it. */
export class Connection {
  readonly client: Client;
  /** The newest socket, from when it is dialled. */
  socket: Socket | undefined;
  /**
   * The socket was open before the request came to it, idle or unused: the server may have closed it without our
   * knowing. False for a socket that was dialled for the request.
   */
  isReused = false;
  /** When its last response was whole. */
  idleAtNs = 0;

  constructor(origin: string, dial: (connection: Connection, onDialled: OnDialled) => void) {
    this.client = new Client(origin, {
      pipelining: 1,
      allowH2: false,
      // The time-out of a request is the endpoint's, on the agent's clock.
      headersTimeout: 0,
      bodyTimeout: 0,
      connect: (_options, callback) => {
        dial(this, (error, socket) => {
          if (socket === null) {
            callback(error ?? new Error("no socket"), null);
          } else {
            callback(null, socket);
          }
        });
      },
    });
  }
}

/**
 * The connections to one target: as many as there are requests, kept open between them, without a bound (the bound
 * is the dispatcher's, who counts what it drops).
 *
 * Over undici's `Client`, not its `Pool`, for three things that a pool does not tell or do: whether the socket was
 * used before (a dead reused one is no error of the server), opening connections ahead of the first request, and
 * taking a connection in constant time however many there are.
 */
export class Connections {
  readonly #origin: string;
  readonly #dialler: Dialler;
  readonly #clock: Clock;
  /** In the order they became idle; the one that rested longest is taken first. */
  readonly #idle = new Set<Connection>();
  readonly #busy = new Set<Connection>();
  /** Opened ahead, not yet of any connection. */
  readonly #spares: Socket[] = [];

  constructor(options: DialOptions, clock: Clock) {
    this.#clock = clock;
    this.#origin = new URL(options.url).origin;
    this.#dialler = new Dialler(options);
  }

  take(): Connection {
    const connection = this.#takeRested() ?? this.#make(true);
    this.#busy.add(connection);
    return connection;
  }

  /** A connection whose socket is dialled anew. */
  takeFresh(): Connection {
    const connection = this.#make(false);
    this.#busy.add(connection);
    return connection;
  }

  /** Takes back a connection whose response is whole; it may close by itself at any time. */
  giveBack(connection: Connection): void {
    if (this.#busy.delete(connection)) {
      connection.isReused = true;
      connection.idleAtNs = this.#clock.nowNs();
      this.#idle.add(connection);
    }
  }

  /** Closes a connection whose response is not whole, or that has none to come. */
  discard(connection: Connection): void {
    if (this.#busy.delete(connection)) {
      destroy(connection);
    }
  }

  /** Opens sockets that the next new connections start with. Resolves when each one is open or has failed. */
  async openAhead(count: number): Promise<void> {
    const opened = Array.from(
      { length: Math.max(0, count - this.#spares.length) },
      () =>
        new Promise<void>((resolve) => {
          this.#dialler.dial((_error, socket) => {
            // A failure is found again, and told, by the request that needs the socket.
            if (socket !== null) {
              this.#keepSpare(socket);
            }
            resolve();
          });
        }),
    );
    await Promise.all(opened);
  }

  get socketsOpen(): number {
    return this.#dialler.socketsOpen;
  }

  async close(): Promise<void> {
    for (const connection of [...this.#idle, ...this.#busy]) {
      destroy(connection);
    }
    this.#idle.clear();
    this.#busy.clear();
    this.#spares.length = 0;
    await this.#dialler.destroyAll();
  }

  #make(mayUseSpare: boolean): Connection {
    const made = new Connection(this.#origin, (connection, onDialled) => {
      const spare = mayUseSpare ? this.#takeSpare() : undefined;
      connection.isReused = spare !== undefined;
      if (spare === undefined) {
        connection.socket = this.#dialler.dial(onDialled);
        return;
      }
      connection.socket = spare;
      // undici cannot take a socket within the call that asks for it.
      queueMicrotask(() => {
        onDialled(null, spare);
      });
    });
    made.client.on("disconnect", () => {
      if (this.#idle.delete(made)) {
        destroy(made);
      }
    });
    return made;
  }

  #takeRested(): Connection | undefined {
    const [oldest] = this.#idle;
    if (oldest === undefined || this.#clock.nowNs() - oldest.idleAtNs < REST_NS) {
      return undefined;
    }
    this.#idle.delete(oldest);
    return oldest;
  }

  #keepSpare(socket: Socket): void {
    this.#spares.push(socket);
    socket.once("close", () => {
      const index = this.#spares.indexOf(socket);
      if (index !== -1) {
        this.#spares.splice(index, 1);
      }
    });
  }

  #takeSpare(): Socket | undefined {
    let spare = this.#spares.pop();
    while (spare?.destroyed === true) {
      spare = this.#spares.pop();
    }
    return spare;
  }
}

function destroy(connection: Connection): void {
  connection.client.destroy(() => undefined);
  // The client does not know of a socket that is still being opened.
  connection.socket?.destroy();
}
