import { newClient, readClientOptions } from "./client.ts";
import type { Client, Subscription } from "./client.ts";
import type { BrokerLimits } from "./limits.ts";
import {
  deliveryBytes,
  errorBytes,
  infoBytes,
  noRespondersBytes,
  OK,
  PING,
  PONG,
} from "./protocol-bytes.ts";
import { isServerEvent } from "./protocol-event.ts";
import type { ClientEvent, ProtocolEvent, PublishEvent } from "./protocol-event.ts";
import { literalTokens, patternTokens } from "./subject-trie.ts";
import { Subscriptions } from "./subscriptions.ts";

/** What the owner of the sockets is to do, in this order. */
export type BrokerAction =
  | { readonly kind: "send"; readonly connection: number; readonly bytes: Uint8Array }
  /** `flush`: let what was sent reach the peer first; else at once. */
  | {
      readonly kind: "close";
      readonly connection: number;
      readonly reason: string;
      readonly flush: boolean;
    };

/** Counts since the start, but for the two that say so. */
export interface BrokerStats {
  /** Now. */
  readonly connections: number;
  /** Now. */
  readonly subscriptions: number;
  readonly connectionsAccepted: number;
  readonly messagesIn: number;
  readonly messagesOut: number;
  readonly bytesIn: number;
  readonly bytesOut: number;
  /** Connections closed because they did not speak the protocol, or went beyond a limit of it. */
  readonly malformed: number;
  /** Connections turned away: wrong token, none in time, or too many connections. */
  readonly refused: number;
  /** Subscriptions turned away because the client has too many. */
  readonly subscriptionsRefused: number;
  readonly slowConsumers: number;
  readonly staleConnections: number;
}

type Counters = {
  -readonly [Key in Exclude<keyof BrokerStats, "connections" | "subscriptions">]: number;
};

export interface BrokerCoreOptions {
  readonly limits: BrokerLimits;
  /** Every client must show it in CONNECT. */
  readonly token: string;
  /** Names this broker to its clients; anything unique. */
  readonly serverId: string;
  /** Of the choice among the members of a queue group; any integer. */
  readonly seed: number;
}

/** Clients ask for features by version; this is the oldest one that has all of what is spoken here. */
const PROTOCOL_OF_SERVER_VERSION = "2.9.0";

/**
 * A NATS server, core protocol only, without I/O: bytes and instants go in, actions come out. No input makes it
 * throw; a client that misbehaves is told why in nats-server's words, closed and counted, and no other client
 * notices. Instants are ns of one monotonic clock of the caller's.
 */
export class BrokerCore {
  readonly #options: BrokerCoreOptions;
  readonly #clients = new Map<number, Client>();
  readonly #subscriptions: Subscriptions;
  readonly #counts: Counters = {
    connectionsAccepted: 0,
    messagesIn: 0,
    messagesOut: 0,
    bytesIn: 0,
    bytesOut: 0,
    malformed: 0,
    refused: 0,
    subscriptionsRefused: 0,
    slowConsumers: 0,
    staleConnections: 0,
  };
  #lastConnection = 0;
  #actions: BrokerAction[] = [];

  constructor(options: BrokerCoreOptions) {
    this.#options = options;
    this.#subscriptions = new Subscriptions(options.seed);
  }

  get stats(): BrokerStats {
    return {
      ...this.#counts,
      connections: this.#clients.size,
      subscriptions: this.#subscriptions.count,
    };
  }

  /** A peer connected. It may be turned away at once; `connection` names it in the actions and calls to come. */
  open(nowNs: number): { readonly connection: number; readonly actions: readonly BrokerAction[] } {
    const { limits, serverId } = this.#options;
    const connection = ++this.#lastConnection;
    this.#counts.connectionsAccepted++;
    const client = newClient(connection, nowNs, limits);
    if (this.#clients.size >= limits.connectionsMax) {
      this.#close(client, "maximum connections exceeded", "refused");
      return { connection, actions: this.#takeActions() };
    }
    this.#clients.set(connection, client);
    const info = {
      server_id: serverId,
      server_name: "loadline",
      version: PROTOCOL_OF_SERVER_VERSION,
      proto: 1,
      headers: true,
      auth_required: true,
      max_payload: limits.payloadBytesMax,
      client_id: connection,
    };
    this.#send(client, infoBytes(info));
    return { connection, actions: this.#takeActions() };
  }

  /** Bytes came. `bytes` belongs to the core from now on. */
  receive(connection: number, bytes: Uint8Array, nowNs: number): readonly BrokerAction[] {
    const client = this.#clients.get(connection);
    if (client === undefined) return [];
    this.#counts.bytesIn += bytes.length;
    client.quietSinceNs = nowNs;
    client.pingsUnanswered = 0;
    for (const event of client.parser.push(bytes)) {
      if (!this.#isOpen(client)) break;
      this.#handle(client, event);
    }
    return this.#takeActions();
  }

  /** The socket took so many of the bytes it was given. */
  flushed(connection: number, byteCount: number): void {
    const client = this.#clients.get(connection);
    if (client !== undefined) client.pendingBytes -= byteCount;
  }

  /** The peer is gone. */
  closed(connection: number): void {
    const client = this.#clients.get(connection);
    if (client !== undefined) this.#forget(client);
  }

  /** Looks after those who are silent; call it a few times within each of the two time limits. */
  tick(nowNs: number): readonly BrokerAction[] {
    const { authTimeoutNs, pingIntervalNs, pingsUnansweredMax } = this.#options.limits;
    for (const client of [...this.#clients.values()]) {
      if (client.options === undefined) {
        if (nowNs - client.openedAtNs < authTimeoutNs) continue;
        this.#close(client, "Authentication Timeout", "refused");
      } else if (nowNs - client.quietSinceNs >= pingIntervalNs) {
        if (client.pingsUnanswered >= pingsUnansweredMax) {
          this.#close(client, "Stale Connection", "staleConnections");
          continue;
        }
        client.pingsUnanswered++;
        client.quietSinceNs = nowNs;
        this.#send(client, PING);
      }
    }
    return this.#takeActions();
  }

  #handle(client: Client, event: ProtocolEvent): void {
    if (event.kind === "violation") {
      this.#close(client, event.reason, "malformed");
    } else if (client.options === undefined && event.kind !== "connect") {
      this.#close(client, "Authorization Violation", "refused");
    } else if (isServerEvent(event)) {
      this.#close(client, "Unknown Protocol Operation", "malformed");
    } else {
      this.#obey(client, event);
    }
  }

  #obey(client: Client, event: ClientEvent): void {
    switch (event.kind) {
      case "connect":
        this.#connect(client, event.json);
        break;
      case "ping":
        this.#send(client, PONG);
        break;
      case "pong":
        break;
      case "publish":
        this.#publish(client, event);
        break;
      case "subscribe":
        this.#subscribe(client, event);
        break;
      case "unsubscribe":
        this.#unsubscribe(client, event);
        break;
    }
  }

  #connect(client: Client, json: string): void {
    const options = readClientOptions(json);
    if (options === undefined) {
      this.#close(client, "Invalid Client Protocol", "malformed");
    } else if (!sameSecret(options.token, this.#options.token)) {
      this.#close(client, "Authorization Violation", "refused");
    } else {
      client.options = options;
      this.#acknowledge(client);
    }
  }

  #subscribe(client: Client, event: ProtocolEvent & { kind: "subscribe" }): void {
    const pattern = patternTokens(event.subject);
    if (pattern === undefined) {
      this.#close(client, "Invalid Subject", "malformed");
      return;
    }
    const { id, queue } = event;
    // A client that reconnects may say a subscription twice.
    if (!client.subscriptions.has(id)) {
      if (client.subscriptions.size >= this.#options.limits.subscriptionsMax) {
        this.#counts.subscriptionsRefused++;
        this.#send(client, errorBytes("maximum subscriptions exceeded"));
        return;
      }
      this.#subscriptions.add({ client, id, pattern, queue, delivered: 0, deliveriesMax: 0 });
    }
    this.#acknowledge(client);
  }

  #unsubscribe(client: Client, event: ProtocolEvent & { kind: "unsubscribe" }): void {
    const subscription = client.subscriptions.get(event.id);
    if (subscription !== undefined) {
      subscription.deliveriesMax = event.deliveriesMax;
      if (subscription.delivered >= event.deliveriesMax) this.#subscriptions.remove(subscription);
    }
    this.#acknowledge(client);
  }

  #publish(client: Client, message: PublishEvent): void {
    const subject = literalTokens(message.subject);
    const replyTo = message.replyTo === "" ? [] : literalTokens(message.replyTo);
    if (subject === undefined || replyTo === undefined) {
      this.#close(client, "Invalid Publish Subject", "malformed");
      return;
    }
    this.#counts.messagesIn++;
    this.#acknowledge(client);
    const receivers = this.#subscriptions.receivers(client, subject);
    for (const receiver of receivers) this.#deliver(receiver, message);
    if (receivers.length === 0 && replyTo.length > 0) this.#noResponders(client, message, replyTo);
  }

  #deliver(subscription: Subscription, message: PublishEvent): void {
    const { client, id } = subscription;
    const { subject, replyTo, payload } = message;
    if (!this.#isOpen(client)) return;
    const bytes = client.options?.headers
      ? deliveryBytes({ subject, id, replyTo, headerBytes: message.headerBytes, payload })
      : deliveryBytes({
          subject,
          id,
          replyTo,
          headerBytes: 0,
          payload: payload.subarray(message.headerBytes),
        });
    subscription.delivered++;
    this.#counts.messagesOut++;
    if (subscription.delivered === subscription.deliveriesMax)
      this.#subscriptions.remove(subscription);
    this.#send(client, bytes);
  }

  #noResponders(client: Client, message: PublishEvent, replyTo: readonly string[]): void {
    if (client.options?.noResponders !== true) return;
    const own = this.#subscriptions.own(client, replyTo);
    if (own !== undefined) this.#send(client, noRespondersBytes(message.replyTo, own.id));
  }

  #acknowledge(client: Client): void {
    if (client.options?.verbose === true) this.#send(client, OK);
  }

  #send(client: Client, bytes: Uint8Array): void {
    client.pendingBytes += bytes.length;
    if (client.pendingBytes > this.#options.limits.pendingBytesMax) {
      this.#close(client, "Slow Consumer", "slowConsumers");
      return;
    }
    this.#counts.bytesOut += bytes.length;
    this.#actions.push({ kind: "send", connection: client.connection, bytes });
  }

  #close(
    client: Client,
    reason: string,
    counter: "malformed" | "refused" | "slowConsumers" | "staleConnections",
  ): void {
    const { connection } = client;
    this.#counts[counter]++;
    this.#forget(client);
    this.#actions.push({ kind: "send", connection, bytes: errorBytes(reason) });
    // Whoever does not read will not read the reason either.
    const flush = counter === "malformed" || counter === "refused";
    this.#actions.push({ kind: "close", connection, reason, flush });
  }

  #forget(client: Client): void {
    this.#subscriptions.removeAllOf(client);
    this.#clients.delete(client.connection);
  }

  #isOpen(client: Client): boolean {
    return this.#clients.has(client.connection);
  }

  #takeActions(): readonly BrokerAction[] {
    const actions = this.#actions;
    this.#actions = [];
    return actions;
  }
}

/** Takes as long for a near miss as for any other. */
function sameSecret(shown: string, expected: string): boolean {
  let difference = shown.length ^ expected.length;
  for (let i = 0; i < shown.length; i++) {
    difference |= shown.charCodeAt(i) ^ expected.charCodeAt(i % Math.max(1, expected.length));
  }
  return difference === 0;
}
