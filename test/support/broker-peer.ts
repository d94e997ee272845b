import { BrokerCore } from "../../coordinator/broker/broker-core.ts";
import type { BrokerAction } from "../../coordinator/broker/broker-core.ts";
import { DEFAULT_BROKER_LIMITS } from "../../coordinator/broker/limits.ts";
import type { BrokerLimits } from "../../coordinator/broker/limits.ts";

/** One client of a core in virtual time, in plain text. */
export interface Peer {
  readonly connection: number;
  /** Sends the text, as latin1. */
  say(text: string): void;
  /** What it was told since the last call. */
  heard(): string;
  /** Why the core closed it; undefined while it is open. */
  closedBecause(): string | undefined;
  /** Its socket takes everything it was given. */
  readAll(): void;
  hangUp(): void;
}

/** A broker's core without sockets: what each peer was told is kept, and nobody reads until told to. */
export interface VirtualBroker {
  readonly core: BrokerCore;
  nowNs: number;
  connect(): Peer;
  /** Connects, says CONNECT with the right token and these options, and forgets the greeting. */
  enter(options?: Readonly<Record<string, unknown>>): Peer;
  tickAt(nowNs: number): void;
}

export const TEST_TOKEN = "sesame";

export function virtualBroker(limits: Partial<BrokerLimits> = {}): VirtualBroker {
  const core = new BrokerCore({
    limits: { ...DEFAULT_BROKER_LIMITS, ...limits },
    token: TEST_TOKEN,
    serverId: "TEST",
    seed: 1,
  });
  const told = new Map<number, string>();
  const unread = new Map<number, number>();
  const closed = new Map<number, string>();

  const apply = (actions: readonly BrokerAction[]): void => {
    for (const action of actions) {
      const { connection } = action;
      if (action.kind === "close") {
        closed.set(connection, action.reason);
        continue;
      }
      const text = Buffer.from(action.bytes).toString("latin1");
      told.set(connection, (told.get(connection) ?? "") + text);
      unread.set(connection, (unread.get(connection) ?? 0) + action.bytes.length);
    }
  };

  const broker: VirtualBroker = {
    core,
    nowNs: 0,
    connect: () => {
      const { connection, actions } = core.open(broker.nowNs);
      apply(actions);
      return {
        connection,
        say: (text) => {
          apply(core.receive(connection, Buffer.from(text, "latin1"), broker.nowNs));
        },
        heard: () => {
          const text = told.get(connection) ?? "";
          told.delete(connection);
          return text;
        },
        closedBecause: () => closed.get(connection),
        readAll: () => {
          core.flushed(connection, unread.get(connection) ?? 0);
          unread.delete(connection);
        },
        hangUp: () => {
          core.closed(connection);
        },
      };
    },
    enter: (options = {}) => {
      const peer = broker.connect();
      const connect = {
        auth_token: TEST_TOKEN,
        verbose: false,
        headers: true,
        no_responders: true,
        ...options,
      };
      peer.say(`CONNECT ${JSON.stringify(connect)}\r\n`);
      peer.heard();
      return peer;
    },
    tickAt: (nowNs) => {
      broker.nowNs = nowNs;
      apply(core.tick(nowNs));
    },
  };
  return broker;
}
