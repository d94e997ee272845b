import type { BrokerLimits } from "./limits.ts";
import { ProtocolParser } from "./protocol-parser.ts";

/** One SUB of one client. */
export interface Subscription {
  readonly client: Client;
  /** Chosen by the client, unique within it. */
  readonly id: string;
  readonly pattern: readonly string[];
  /** Empty when it is not in a group, of which one member gets each message. */
  readonly queue: string;
  delivered: number;
  /** Ends after so many deliveries; 0 = never. */
  deliveriesMax: number;
}

/** What a client said of itself in CONNECT. */
export interface ClientOptions {
  /** Every operation is answered by +OK. */
  readonly verbose: boolean;
  /** It gets its own messages too. */
  readonly echo: boolean;
  readonly headers: boolean;
  /** A request that nobody listens to is answered by a 503. */
  readonly noResponders: boolean;
  readonly token: string;
}

/** One connection, as the core knows it. */
export interface Client {
  readonly connection: number;
  readonly parser: ProtocolParser;
  readonly subscriptions: Map<string, Subscription>;
  readonly openedAtNs: number;
  /** Undefined until it is let in. */
  options: ClientOptions | undefined;
  /** Said to it, and not yet taken by its socket. */
  pendingBytes: number;
  /** When it was last heard or last pinged. */
  quietSinceNs: number;
  pingsUnanswered: number;
}

export function newClient(connection: number, nowNs: number, limits: BrokerLimits): Client {
  return {
    connection,
    parser: new ProtocolParser(limits),
    subscriptions: new Map(),
    openedAtNs: nowNs,
    options: undefined,
    pendingBytes: 0,
    quietSinceNs: nowNs,
    pingsUnanswered: 0,
  };
}

/** Reads CONNECT's JSON with nats-server's defaults; undefined when it is no object. */
export function readClientOptions(json: string): ClientOptions | undefined {
  let value: unknown;
  try {
    value = JSON.parse(json);
  } catch {
    return undefined;
  }
  if (typeof value !== "object" || value === null || Array.isArray(value)) return undefined;
  const fields = new Map<string, unknown>(Object.entries(value));
  const headers = fields.get("headers") === true;
  const token = fields.get("auth_token");
  return {
    verbose: fields.get("verbose") !== false,
    echo: fields.get("echo") !== false,
    headers,
    // The answer is made of headers alone.
    noResponders: headers && fields.get("no_responders") === true,
    token: typeof token === "string" ? token : "",
  };
}
