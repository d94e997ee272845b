import { NS_PER_SECOND } from "../../shared/units.ts";

/** What one client may ask of the broker. A client over a limit is told why, and disconnected where it says so. */
export interface BrokerLimits {
  /** Bytes of one message, headers included; more disconnects. */
  readonly payloadBytesMax: number;
  /** Bytes of one protocol line (also CONNECT with its JSON); more disconnects. */
  readonly controlLineBytesMax: number;
  /** Clients at once; one more is turned away. */
  readonly connectionsMax: number;
  /** Subscriptions of one client; one more is refused, the client stays. */
  readonly subscriptionsMax: number;
  /** Bytes that wait for one client that does not read; more disconnects it ("Slow Consumer"). */
  readonly pendingBytesMax: number;
  /** How long a client may take to say who it is. */
  readonly authTimeoutNs: number;
  /** Silence after which a client is asked whether it still lives. */
  readonly pingIntervalNs: number;
  /** Unanswered pings after which it is dead ("Stale Connection"). */
  readonly pingsUnansweredMax: number;
}

/** nats-server's defaults, but for pings and pending bytes: a fleet on one machine is small and near. */
export const DEFAULT_BROKER_LIMITS: BrokerLimits = {
  payloadBytesMax: 1_048_576,
  controlLineBytesMax: 4_096,
  connectionsMax: 4_096,
  subscriptionsMax: 10_000,
  pendingBytesMax: 16_777_216,
  authTimeoutNs: 2 * NS_PER_SECOND,
  pingIntervalNs: 20 * NS_PER_SECOND,
  pingsUnansweredMax: 2,
};
