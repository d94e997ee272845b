import { randomBytes, randomInt } from "node:crypto";
import { once } from "node:events";
import { createServer, isIP } from "node:net";
import type { AddressInfo, Server, Socket } from "node:net";
import { ExitCode, LoadError } from "../../shared/errors.ts";
import type { CancelCall, Clock } from "../../shared/time/clock.ts";
import { NS_PER_SECOND } from "../../shared/units.ts";
import { BrokerCore } from "./broker-core.ts";
import type { BrokerAction, BrokerStats } from "./broker-core.ts";
import { DEFAULT_BROKER_LIMITS } from "./limits.ts";
import type { BrokerLimits } from "./limits.ts";

export interface BrokerOptions {
  /** A loopback address: the protocol here has no TLS. Default 127.0.0.1. */
  readonly host?: string;
  /** Default 0: any free port. */
  readonly port?: number;
  /** Every client must show it; make it random. */
  readonly token: string;
  readonly clock: Clock;
  /** Over DEFAULT_BROKER_LIMITS. */
  readonly limits?: Partial<BrokerLimits>;
}

/** An embedded NATS server that listens. */
export interface Broker {
  readonly port: number;
  /** "nats://127.0.0.1:4222" */
  readonly url: string;
  readonly stats: BrokerStats;
  /** Ends every connection and frees the port. */
  close(): Promise<void>;
}

/** How long a client that was told why it is closed may take to hang up itself. */
const CLOSE_GRACE_NS = NS_PER_SECOND;
/** How many times within the shorter time limit silent clients are looked after. */
const TICKS_PER_LIMIT = 4;

/**
 * Starts the message engine of a run on one machine: core NATS on loopback, for the unmodified client.
 *
 * @throws LoadError LL_BROKER_NOT_LOOPBACK for any other address, LL_BROKER_PORT when the port is not to be had.
 */
export async function startBroker(options: BrokerOptions): Promise<Broker> {
  const { host = "127.0.0.1", port = 0, token, clock } = options;
  const limits = { ...DEFAULT_BROKER_LIMITS, ...options.limits };
  if (!isLoopback(host)) {
    throw new LoadError(`the embedded broker was asked to listen on ${host}`, {
      code: "LL_BROKER_NOT_LOOPBACK",
      hint: "it speaks without TLS: for agents on other machines start a nats-server",
      exitCode: ExitCode.PlanInvalid,
    });
  }
  const server = createServer({ noDelay: true });
  await listen(server, host, port);
  const core = new BrokerCore({
    limits,
    token,
    serverId: randomBytes(12).toString("hex"),
    seed: randomInt(1, 2 ** 31),
  });
  const sockets = new BrokerSockets(core, clock);
  server.on("connection", (socket) => {
    sockets.open(socket);
  });
  const everyNs = Math.min(limits.authTimeoutNs, limits.pingIntervalNs) / TICKS_PER_LIMIT;
  const stopTicking = sockets.tickEvery(everyNs);
  const { port: boundPort } = server.address() as AddressInfo;
  return {
    port: boundPort,
    url: `nats://${isIP(host) === 6 ? `[${host}]` : host}:${boundPort}`,
    get stats() {
      return core.stats;
    },
    close: async () => {
      stopTicking();
      const closed = server.listening ? once(server, "close") : undefined;
      server.close();
      sockets.destroyAll();
      await closed;
    },
  };
}

function isLoopback(host: string): boolean {
  return host === "localhost" || host === "::1" || (isIP(host) === 4 && host.startsWith("127."));
}

async function listen(server: Server, host: string, port: number): Promise<void> {
  try {
    server.listen({ host, port });
    await once(server, "listening");
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message : String(cause);
    throw new LoadError(`the embedded broker cannot listen on ${host}:${port}: ${reason}`, {
      code: "LL_BROKER_PORT",
      hint: "leave the port to the system, or free it",
      exitCode: ExitCode.PlanInvalid,
      cause,
    });
  }
}

/** Carries bytes between sockets and the core, and does what the core says. */
class BrokerSockets {
  readonly #core: BrokerCore;
  readonly #clock: Clock;
  readonly #sockets = new Map<number, Socket>();
  /** Those the core has closed, until their peers hang up. */
  readonly #leaving = new Set<Socket>();

  constructor(core: BrokerCore, clock: Clock) {
    this.#core = core;
    this.#clock = clock;
  }

  open(socket: Socket): void {
    const { connection, actions } = this.#core.open(this.#clock.nowNs());
    this.#sockets.set(connection, socket);
    socket.on("data", (bytes: Buffer) => {
      this.#apply(this.#core.receive(connection, bytes, this.#clock.nowNs()));
    });
    // "close" follows and says all there is to say.
    socket.on("error", () => undefined);
    socket.on("close", () => {
      this.#sockets.delete(connection);
      this.#core.closed(connection);
    });
    this.#apply(actions);
  }

  tickEvery(everyNs: number): CancelCall {
    let cancel: CancelCall;
    const tick = (): void => {
      this.#apply(this.#core.tick(this.#clock.nowNs()));
      cancel = this.#clock.callAt(this.#clock.nowNs() + everyNs, tick);
    };
    cancel = this.#clock.callAt(this.#clock.nowNs() + everyNs, tick);
    return () => {
      cancel();
    };
  }

  destroyAll(): void {
    for (const socket of [...this.#sockets.values(), ...this.#leaving]) socket.destroy();
  }

  /** Sends to one connection leave together, whoever else was spoken to in between. */
  #apply(actions: readonly BrokerAction[]): void {
    const outgoing = new Map<number, Uint8Array[]>();
    for (const action of actions) {
      const { connection } = action;
      if (action.kind === "send") {
        const parts = outgoing.get(connection);
        if (parts === undefined) outgoing.set(connection, [action.bytes]);
        else parts.push(action.bytes);
      } else {
        this.#write(connection, outgoing.get(connection) ?? []);
        outgoing.delete(connection);
        this.#hangUp(connection, action.flush);
      }
    }
    for (const [connection, parts] of outgoing) this.#write(connection, parts);
  }

  #write(connection: number, parts: readonly Uint8Array[]): void {
    const socket = this.#sockets.get(connection);
    if (socket === undefined || parts.length === 0) return;
    const byteCount = parts.reduce((sum, part) => sum + part.length, 0);
    const last = parts.length - 1;
    socket.cork();
    parts.forEach((part, i) => {
      // Written in order: once the last one is taken, all are.
      socket.write(part, () => {
        if (i === last) this.#core.flushed(connection, byteCount);
      });
    });
    socket.uncork();
  }

  #hangUp(connection: number, flush: boolean): void {
    const socket = this.#sockets.get(connection);
    this.#sockets.delete(connection);
    if (socket === undefined) return;
    if (!flush) {
      socket.destroy();
      return;
    }
    // Unread bytes at a close make the kernel reset the connection, and the peer may lose the reason: so what
    // still comes is read and dropped until the peer hangs up, for a while.
    socket.removeAllListeners("data");
    socket.resume();
    socket.end();
    this.#leaving.add(socket);
    const cancel = this.#clock.callAt(this.#clock.nowNs() + CLOSE_GRACE_NS, () => {
      socket.destroy();
    });
    socket.on("close", () => {
      cancel();
      this.#leaving.delete(socket);
    });
  }
}
