/**
 * One operation of the NATS client protocol, either direction. Strings hold one byte per character (latin1), so
 * that subjects pass through unchanged whatever their encoding; JSON is decoded as UTF-8.
 *
 * @see https://docs.nats.io/reference/reference-protocols/nats-protocol
 */
export type ProtocolEvent =
  | { readonly kind: "info"; readonly json: string }
  | { readonly kind: "connect"; readonly json: string }
  | { readonly kind: "ping" }
  | { readonly kind: "pong" }
  | { readonly kind: "ok" }
  | { readonly kind: "error"; readonly text: string }
  | PublishEvent
  | {
      readonly kind: "subscribe";
      readonly subject: string;
      readonly queue: string;
      readonly id: string;
    }
  /** `deliveriesMax` counts from the subscription's start; 0 means at once. */
  | { readonly kind: "unsubscribe"; readonly id: string; readonly deliveriesMax: number }
  | MessageEvent
  /** The bytes are not the protocol, or beyond a limit; nothing after them is read. */
  | { readonly kind: "violation"; readonly reason: Violation };

/** PUB and HPUB. `replyTo` is empty when there is none; the first `headerBytes` of `payload` are its headers. */
export interface PublishEvent {
  readonly kind: "publish";
  readonly subject: string;
  readonly replyTo: string;
  readonly headerBytes: number;
  readonly payload: Uint8Array;
}

/** MSG and HMSG: what a server delivers to the subscription `id`. */
interface MessageEvent {
  readonly kind: "message";
  readonly subject: string;
  readonly id: string;
  readonly replyTo: string;
  readonly headerBytes: number;
  readonly payload: Uint8Array;
}

/** Reasons in the words of nats-server, which clients know. */
export type Violation =
  | "Unknown Protocol Operation"
  | "Maximum Control Line Exceeded"
  | "Maximum Payload Violation";

type ServerEvent = ProtocolEvent & { readonly kind: "info" | "message" | "ok" | "error" };

/** What a client may say. */
export type ClientEvent = Exclude<
  ProtocolEvent,
  { readonly kind: ServerEvent["kind"] | "violation" }
>;

/** What only a server says. */
export function isServerEvent(event: ProtocolEvent): event is ServerEvent {
  return ["info", "message", "ok", "error"].includes(event.kind);
}
