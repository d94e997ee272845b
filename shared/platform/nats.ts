import { AuthorizationError, connect, nkeyAuthenticator } from "@nats-io/transport-node";
import type { ConnectionOptions, NatsConnection, TlsOptions } from "@nats-io/transport-node";
import { ExitCode, LoadError } from "../errors.ts";
import { natsToken } from "./nats-subjects.ts";

/** How a process of Loadline joins its fleet's message engine. */
export interface NatsOptions {
  /** "nats://host:port" or "tls://host:port"; several are tried in turn. */
  readonly servers: readonly string[];
  /**
   * Who this is: shown by the server, and the prefix of its reply subjects (`_INBOX.<clientId>.…`), so that
   * permissions can keep one client from reading another's replies. One word; see `natsToken`.
   */
  readonly clientId: string;
  readonly token?: string | undefined;
  /** Seed of this client's nkey ("SU…"), instead of a token. */
  readonly nkeySeed?: string | undefined;
  readonly tls?: TlsOptions | undefined;
  /** Keep trying when no server answers at first; otherwise that is an error. Default false. */
  readonly waitForServer?: boolean | undefined;
  /** Shortest wait between two attempts to reconnect, ms. Default 250. */
  readonly reconnectWaitMs?: number | undefined;
  /** Up to how much longer a wait may be, drawn anew each time, ms. Default 1,750. */
  readonly reconnectJitterMs?: number | undefined;
}

const CONNECT_TIMEOUT_MS = 5_000;
/** A peer that died without a word is noticed after two unanswered pings. */
const PING_INTERVAL_MS = 5_000;
const PINGS_UNANSWERED_MAX = 2;
const RECONNECT_WAIT_MS = 250;
/** A restarted server meets a fleet spread over this time, not all of it at once. */
const RECONNECT_JITTER_MS = 1_750;

/**
 * Connects, and from then on reconnects for ever: a fleet outlives its message engine.
 *
 * @throws LoadError LL_NATS_REFUSED when the credentials are refused, LL_NATS_UNREACHABLE when no server
 * answers within 5 s (never with `waitForServer`), LL_NAME_INVALID for an unusable clientId.
 */
export async function connectNats(options: NatsOptions): Promise<NatsConnection> {
  natsToken(options.clientId, "client id");
  try {
    return await connect(connectionOptions(options));
  } catch (cause) {
    throw connectError(options, cause);
  }
}

function connectionOptions(options: NatsOptions): ConnectionOptions {
  const { token, nkeySeed, tls } = options;
  const reconnectJitterMs = options.reconnectJitterMs ?? RECONNECT_JITTER_MS;
  return {
    servers: [...options.servers],
    name: options.clientId,
    inboxPrefix: `_INBOX.${options.clientId}`,
    noEcho: true,
    timeout: CONNECT_TIMEOUT_MS,
    pingInterval: PING_INTERVAL_MS,
    maxPingOut: PINGS_UNANSWERED_MAX,
    maxReconnectAttempts: -1,
    // Otherwise the client gives up for good when it is refused twice, as while keys are exchanged.
    ignoreAuthErrorAbort: true,
    reconnectTimeWait: options.reconnectWaitMs ?? RECONNECT_WAIT_MS,
    reconnectJitter: reconnectJitterMs,
    reconnectJitterTLS: reconnectJitterMs,
    waitOnFirstConnect: options.waitForServer ?? false,
    // A captured stack for each request would cost more than the request, inside a clock probe too.
    noAsyncTraces: true,
    ...(token === undefined ? {} : { token }),
    ...(nkeySeed === undefined
      ? {}
      : { authenticator: nkeyAuthenticator(new TextEncoder().encode(nkeySeed)) }),
    ...(tls === undefined ? {} : { tls }),
  };
}

function connectError(options: NatsOptions, cause: unknown): LoadError {
  const servers = options.servers.join(", ");
  if (cause instanceof AuthorizationError) {
    return new LoadError(`NATS at ${servers} refused the credentials of ${options.clientId}`, {
      code: "LL_NATS_REFUSED",
      hint: "check the token or nkey against the server's configuration",
      exitCode: ExitCode.PlanInvalid,
      cause,
    });
  }
  const reason = cause instanceof Error && cause.message !== "" ? cause.message : "no answer";
  return new LoadError(`NATS at ${servers} cannot be reached: ${reason}`, {
    code: "LL_NATS_UNREACHABLE",
    hint: "start nats-server there, or correct the address; an agent may wait for it",
    exitCode: ExitCode.PlanInvalid,
    cause,
  });
}

/** Whether a connection takes news now, as far as the client knows. */
export interface ConnectionWatch {
  readonly up: boolean;
}

/**
 * Follows a connection. What is published while it is down would lie in the client's buffer and go out when it
 * is up again: a lease or heartbeat of another time. Whoever publishes such news asks here first.
 */
export function watchConnection(connection: NatsConnection): ConnectionWatch {
  const state = { connected: true };
  void follow(connection, state);
  return {
    get up() {
      return state.connected && !connection.isClosed() && !connection.isDraining();
    },
  };
}

async function follow(connection: NatsConnection, state: { connected: boolean }): Promise<void> {
  for await (const status of connection.status()) {
    if (status.type === "reconnect") state.connected = true;
    if (status.type === "disconnect") state.connected = false;
  }
}
