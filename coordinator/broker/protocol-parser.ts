import type { ProtocolEvent, Violation } from "./protocol-event.ts";
import { readLine } from "./protocol-line.ts";
import type { Announcement } from "./protocol-line.ts";

const LINE_FEED = 10;
const CARRIAGE_RETURN = 13;
/** A payload is followed by CR LF. */
const END_BYTES = 2;

/** Where the parser stands between two chunks. */
type State =
  | { readonly kind: "line"; readonly begun: string }
  | {
      readonly kind: "payload";
      readonly announcement: Announcement;
      /** Grows in place: a payload that comes byte by byte must not be copied for each. */
      readonly parts: Uint8Array[];
      /** Still to come, with the end. */
      readonly missingBytes: number;
    }
  | { readonly kind: "broken" };

const BETWEEN_LINES: State = { kind: "line", begun: "" };

/**
 * Turns bytes into protocol events, however they are cut. Holds back at most one line and one payload, both
 * bounded, and takes no memory for bytes that were announced but never came. After a violation it is deaf.
 */
export class ProtocolParser {
  readonly #limits: { readonly controlLineBytesMax: number; readonly payloadBytesMax: number };
  #state: State = BETWEEN_LINES;
  #events: ProtocolEvent[] = [];

  constructor(limits: { readonly controlLineBytesMax: number; readonly payloadBytesMax: number }) {
    this.#limits = limits;
  }

  /** A payload in the events may be a view of `chunk`: the caller must not write to it afterwards. */
  push(chunk: Uint8Array): ProtocolEvent[] {
    const bytes = Buffer.from(chunk.buffer, chunk.byteOffset, chunk.byteLength);
    let at = 0;
    while (at < bytes.length && this.#state.kind !== "broken") {
      at =
        this.#state.kind === "line"
          ? this.#takeLine(bytes, at, this.#state.begun)
          : this.#takePayload(bytes, at, this.#state);
    }
    const events = this.#events;
    this.#events = [];
    return events;
  }

  #takeLine(bytes: Buffer, at: number, begun: string): number {
    const endAt = bytes.indexOf(LINE_FEED, at);
    const stopAt = endAt < 0 ? bytes.length : endAt;
    if (begun.length + stopAt - at > this.#limits.controlLineBytesMax) {
      return this.#break("Maximum Control Line Exceeded");
    }
    const line = begun + bytes.toString("latin1", at, stopAt);
    if (endAt < 0) {
      this.#state = { kind: "line", begun: line };
      return stopAt;
    }
    this.#state = BETWEEN_LINES;
    this.#takeEvent(readLine(line.endsWith("\r") ? line.slice(0, -1) : line));
    return endAt + 1;
  }

  #takeEvent(event: ProtocolEvent | Announcement | undefined): void {
    if (event === undefined) {
      this.#break("Unknown Protocol Operation");
    } else if (event.kind !== "announcement") {
      this.#events.push(event);
    } else if (event.payloadBytes > this.#limits.payloadBytesMax) {
      this.#break("Maximum Payload Violation");
    } else {
      const missingBytes = event.payloadBytes + END_BYTES;
      this.#state = { kind: "payload", announcement: event, parts: [], missingBytes };
    }
  }

  #takePayload(bytes: Buffer, at: number, state: State & { kind: "payload" }): number {
    const { announcement, parts, missingBytes } = state;
    const part = bytes.subarray(at, at + missingBytes);
    parts.push(part);
    if (part.length < missingBytes) {
      this.#state = { ...state, missingBytes: missingBytes - part.length };
      return bytes.length;
    }
    const whole = parts.length === 1 ? part : Buffer.concat(parts);
    const { payloadBytes } = announcement;
    if (whole[payloadBytes] !== CARRIAGE_RETURN || whole[payloadBytes + 1] !== LINE_FEED) {
      return this.#break("Unknown Protocol Operation");
    }
    this.#state = BETWEEN_LINES;
    this.#events.push(announcement.finish(whole.subarray(0, payloadBytes)));
    return at + missingBytes;
  }

  /** Returns a position beyond every chunk, so that the rest is left alone. */
  #break(reason: Violation): number {
    this.#state = { kind: "broken" };
    this.#events.push({ kind: "violation", reason });
    return Number.POSITIVE_INFINITY;
  }
}
