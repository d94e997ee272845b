import { setTimeout as delay } from "node:timers/promises";
import {
  AuthorizationError,
  connect,
  nkeyAuthenticator,
  PermissionViolationError,
} from "@nats-io/transport-node";
import type { ConnectionOptions, NatsConnection, TlsOptions } from "@nats-io/transport-node";
import { ExitCode, LoadError } from "../errors.ts";
import type { Identity } from "./identity.ts";
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
  /** Instead of a token: its nkey proves who this is, and only its authority's servers are spoken to, over TLS. */
  readonly identity?: Pick<Identity, "nkeySeed" | "caPem"> | undefined;
  /** Keep trying while no server answers; otherwise that is an error. To be refused is always one. Default false. */
  readonly waitForServer?: boolean | undefined;
  /** Told why it waits, once. */
  readonly onWaiting?: ((error: LoadError) => void) | undefined;
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
 * @throws LoadError LL_NATS_REFUSED when the credentials are refused, LL_NATS_TLS when the server's certificate is
 * not one to trust, LL_NATS_UNREACHABLE when no server answers within 5 s (never with `waitForServer`),
 * LL_NAME_INVALID for an unusable clientId.
 */
export async function connectNats(options: NatsOptions): Promise<NatsConnection> {
  natsToken(options.clientId, "client id");
  for (let attempt = 1; ; attempt += 1) {
    try {
      return await connect(connectionOptions(options));
    } catch (cause) {
      const error = connectError(options, cause);
      if (options.waitForServer !== true || error.code !== "LL_NATS_UNREACHABLE") throw error;
      if (attempt === 1) options.onWaiting?.(error);
    }
    const { reconnectWaitMs = RECONNECT_WAIT_MS, reconnectJitterMs = RECONNECT_JITTER_MS } =
      options;
    await delay(reconnectWaitMs + Math.random() * reconnectJitterMs);
  }
}

function connectionOptions(options: NatsOptions): ConnectionOptions {
  const { token, identity } = options;
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
    // A captured stack for each request would cost more than the request, inside a clock probe too.
    noAsyncTraces: true,
    ...(token === undefined ? {} : { token }),
    ...(identity === undefined ? {} : identityOptions(identity)),
  };
}

function identityOptions({
  nkeySeed,
  caPem,
}: Pick<Identity, "nkeySeed" | "caPem">): ConnectionOptions {
  const tls: TlsOptions = { ca: caPem };
  return { authenticator: nkeyAuthenticator(new TextEncoder().encode(nkeySeed)), tls };
}

function connectError(options: NatsOptions, cause: unknown): LoadError {
  const servers = options.servers.join(", ");
  // A time-out comes of a busy machine, at either end, and says nothing of the credentials.
  if (cause instanceof AuthorizationError && !/timeout/i.test(cause.message)) {
    return new LoadError(`NATS at ${servers} refused the credentials of ${options.clientId}`, {
      code: "LL_NATS_REFUSED",
      hint: "give the --identity that this server's nats-server.conf was made with, or its token in LOADLINE_TOKEN",
      exitCode: ExitCode.PlanInvalid,
      cause,
    });
  }
  const reason = cause instanceof Error && cause.message !== "" ? cause.message : "no answer";
  if (isTlsFault(cause)) {
    return new LoadError(`the TLS connection to NATS at ${servers} failed: ${reason}`, {
      code: "LL_NATS_TLS",
      hint: "give the --identity of this server's fleet; its certificate must name the host in --nats (fleet init --server HOST)",
      exitCode: ExitCode.PlanInvalid,
      cause,
    });
  }
  return new LoadError(`NATS at ${servers} cannot be reached: ${reason}`, {
    code: "LL_NATS_UNREACHABLE",
    hint: "start nats-server there, or correct the address; an agent may wait for it",
    exitCode: ExitCode.PlanInvalid,
    cause,
  });
}

const TLS_FAULTS = /CERT|SSL|TLS|SELF_SIGNED|UNABLE_TO_|ALTNAME/;

/** OpenSSL's and Node's names of what is wrong with a certificate or a handshake; the client's own when TLS is missing. */
function isTlsFault(cause: unknown): boolean {
  if (!(cause instanceof Error)) return false;
  const { code } = cause as NodeJS.ErrnoException;
  if (code !== undefined && TLS_FAULTS.test(code)) return true;
  return /'tls' /.test(cause.message) || isTlsFault(cause.cause);
}

/**
 * Asks the server whether this client may read these subjects: by itself the server would tell only a log.
 *
 * @throws LoadError LL_NATS_FORBIDDEN when it may not.
 */
export async function assertMaySubscribe(
  connection: NatsConnection,
  subjects: readonly string[],
): Promise<void> {
  const refused: string[] = [];
  const asked = subjects.map((subject) =>
    connection.subscribe(subject, {
      callback: (error) => {
        if (error instanceof PermissionViolationError) refused.push(error.subject);
      },
    }),
  );
  // The server answers in order: what it refuses is known before its answer to this.
  await connection.flush();
  for (const subscription of asked) subscription.unsubscribe();
  if (refused.length === 0) return;
  throw new LoadError(`NATS does not let this client read ${refused.join(", ")}`, {
    code: "LL_NATS_FORBIDDEN",
    hint: "an identity is for one agent, or for the coordinator, of one fleet: leave --id and --fleet out, or give the --identity they belong to",
    exitCode: ExitCode.PlanInvalid,
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
