import { excerpt } from "./excerpt.ts";
import { parseHead, type ResponseHead } from "./http1-head.ts";

const CR = 0x0d;
const LF = 0x0a;
const SEMICOLON = 0x3b;
const SPACE = 0x20;
const TAB = 0x09;
const HEAD_END = Buffer.from("\r\n\r\n", "latin1");
const HEAD_START = "HTTP/1.";

/** The most that a head, a trailer or the extensions of one chunk may hold. */
export const HEAD_BYTES_MAX = 64 * 1_024;
/** 52 bits: what a double counts exactly. */
const SIZE_DIGITS_MAX = 13;
const NO_DIGIT = 255;

const HEX_DIGIT = new Uint8Array(256).fill(NO_DIGIT);
for (let digit = 0; digit < 16; digit += 1) {
  const text = digit.toString(16);
  HEX_DIGIT[text.charCodeAt(0)] = digit;
  HEX_DIGIT[text.toUpperCase().charCodeAt(0)] = digit;
}

/** Where in a response the next byte lies. */
const At = {
  head: 0,
  /** A body with a length. */
  body: 1,
  bodyUntilClose: 2,
  chunkSize: 3,
  chunkExtension: 4,
  chunkSizeLf: 5,
  chunkData: 6,
  chunkCr: 7,
  chunkLf: 8,
  trailer: 9,
  /** The response is whole. */
  end: 10,
  broken: 11,
} as const;

/** What does not match the protocol; the connection cannot be used any more. */
export class Http1Error extends Error {
  override readonly name = "Http1Error";

  constructor(what: string) {
    super(`the response does not match the HTTP/1.1 protocol: ${what}`);
  }
}

/** What a response brings, in order. Bytes are valid during the call only. */
export interface ResponseSink {
  onHead(head: ResponseHead): void;
  /** `buffer` from `start` to before `end` is of the body, its framing taken off. */
  onBody(buffer: Buffer, start: number, end: number): void;
}

/**
 * Takes the framing off HTTP/1.1 responses (RFC 9112), read by read, however they are cut: heads, bodies of a length,
 * in chunks, and up to the close. Every deviation is named; nothing is guessed, and memory is bounded by
 * `HEAD_BYTES_MAX`.
 *
 * Why not undici's `dispatch` or `node:http`: per streamed token they spend several times what the read of the socket
 * itself costs (docs/decisions/0007). Hot: one `push` per read; a chunk within a read costs a few byte looks and no
 * allocation.
 */
export class Http1Reader {
  #sink: ResponseSink | undefined;
  #at: number = At.head;
  /** The start of a head or a trailer whose end has not been read. */
  #held = "";
  /** Bytes of the body, or of the current chunk, that are still to come. */
  #left = 0;
  #sizeDigits = 0;
  #extensionBytes = 0;
  #keepsAlive = false;

  /** Makes ready for the response to the next request of the connection. */
  begin(sink: ResponseSink): void {
    this.#sink = sink;
    this.#at = At.head;
    this.#held = "";
  }

  /** Takes nothing more; for a sink that gave the response up while it was told of it. */
  stop(): void {
    this.#sink = undefined;
    this.#at = At.broken;
  }

  /** The response is whole. */
  get isWhole(): boolean {
    return this.#at === At.end;
  }

  /** Whether any byte of a response has come. */
  get hasBegun(): boolean {
    return this.#at !== At.head || this.#held !== "";
  }

  /** Whether the server says, or means by its version, that the connection stays open after this response. */
  get keepsAlive(): boolean {
    return this.#keepsAlive;
  }

  /**
   * Takes `buffer` from the start to before `end`. Returns how many bytes were taken: fewer where the response ended
   * before, since nothing was asked for that could follow it.
   *
   * @throws Http1Error at the first byte that does not match the protocol.
   */
  push(buffer: Buffer, end: number): number {
    let at = 0;
    while (at < end && this.#at < At.end) {
      at = this.#step(buffer, at, end);
    }
    return at;
  }

  /** The server closed its side: the end of a body that has no other. */
  close(): void {
    if (this.#at === At.bodyUntilClose) {
      this.#at = At.end;
    }
  }

  #step(buffer: Buffer, at: number, end: number): number {
    switch (this.#at) {
      case At.chunkData:
        return this.#takeBody(buffer, at, end, At.chunkCr);
      case At.chunkSize:
        return this.#takeSize(buffer, at, end);
      case At.chunkCr:
        this.#expect(buffer[at], CR, "a chunk is longer than its size says");
        this.#at = At.chunkLf;
        return at + 1;
      case At.chunkLf:
        this.#expect(buffer[at], LF, "a chunk is not ended by CR LF");
        this.#beginSize();
        return at + 1;
      case At.chunkSizeLf:
        this.#expect(buffer[at], LF, "the size of a chunk is not ended by CR LF");
        this.#at = this.#left === 0 ? At.trailer : At.chunkData;
        return at + 1;
      case At.chunkExtension:
        return this.#skipExtension(buffer, at, end);
      case At.body:
        return this.#takeBody(buffer, at, end, At.end);
      case At.bodyUntilClose:
        this.#sink?.onBody(buffer, at, end);
        return end;
      case At.head:
        return this.#takeHead(buffer, at, end);
      default:
        return this.#takeTrailer(buffer, at, end);
    }
  }

  #takeBody(buffer: Buffer, at: number, end: number, then: number): number {
    const until = Math.min(end, at + this.#left);
    this.#left -= until - at;
    // Before the sink is told: it may stop the reader.
    if (this.#left === 0) {
      this.#at = then;
    }
    this.#sink?.onBody(buffer, at, until);
    return until;
  }

  #beginSize(): void {
    this.#at = At.chunkSize;
    this.#left = 0;
    this.#sizeDigits = 0;
  }

  #takeSize(buffer: Buffer, start: number, end: number): number {
    for (let at = start; at < end; at += 1) {
      const byte = buffer[at] ?? 0;
      const digit = HEX_DIGIT[byte] ?? NO_DIGIT;
      if (digit === NO_DIGIT) {
        return this.#endSize(byte, at);
      }
      this.#left = this.#left * 16 + digit;
      this.#sizeDigits += 1;
      if (this.#sizeDigits > SIZE_DIGITS_MAX) {
        throw this.#broken("the size of a chunk has too many digits");
      }
    }
    return end;
  }

  #endSize(byte: number, at: number): number {
    if (this.#sizeDigits === 0) {
      throw this.#broken(`the size of a chunk begins with ${shown(byte)}`);
    }
    if (byte === CR) {
      this.#at = At.chunkSizeLf;
      return at + 1;
    }
    if (byte !== SEMICOLON && byte !== SPACE && byte !== TAB) {
      throw this.#broken(`the size of a chunk holds ${shown(byte)}`);
    }
    this.#at = At.chunkExtension;
    this.#extensionBytes = 0;
    return at + 1;
  }

  #skipExtension(buffer: Buffer, at: number, end: number): number {
    const found = buffer.indexOf(CR, at);
    const cr = found === -1 || found >= end ? end : found;
    this.#extensionBytes += cr - at;
    if (this.#extensionBytes > HEAD_BYTES_MAX) {
      throw this.#broken(`the extensions of a chunk are longer than ${HEAD_BYTES_MAX} bytes`);
    }
    if (cr === end) {
      return end;
    }
    this.#at = At.chunkSizeLf;
    return cr + 1;
  }

  #takeHead(buffer: Buffer, at: number, end: number): number {
    const found = this.#hold(buffer, at, end);
    if (!this.#held.startsWith(HEAD_START.slice(0, this.#held.length))) {
      throw this.#broken(`it begins with ${JSON.stringify(excerpt(this.#held))}`);
    }
    if (found === undefined) {
      return end;
    }
    this.#begin(this.#parse(this.#held));
    return found;
  }

  #parse(text: string): ResponseHead {
    try {
      return parseHead(text);
    } catch (error) {
      throw this.#broken(error instanceof Error ? error.message : String(error));
    }
  }

  /** What follows the head; an informational one is not the answer's. */
  #begin(head: ResponseHead): void {
    this.#held = "";
    if (head.status < 200) {
      return;
    }
    const { framing } = head;
    this.#keepsAlive = head.keepsAlive && framing.kind !== "until-close";
    if (framing.kind === "chunked") {
      this.#beginSize();
    } else if (framing.kind === "until-close") {
      this.#at = At.bodyUntilClose;
    } else {
      this.#left = framing.bytes;
      this.#at = framing.bytes === 0 ? At.end : At.body;
    }
    this.#sink?.onHead(head);
  }

  /** Fields after the last chunk are read past: nothing here asks for any. */
  #takeTrailer(buffer: Buffer, at: number, end: number): number {
    // Without fields, which is every response of the servers we know, it is an empty line.
    if (this.#held === "" && buffer[at] === CR && at + 1 < end && buffer[at + 1] === LF) {
      this.#at = At.end;
      return at + 2;
    }
    const before = this.#held.length;
    this.#held += buffer.toString("latin1", at, Math.min(end, at + HEAD_BYTES_MAX + 1));
    const isEmpty = this.#held.startsWith("\r\n");
    const found = isEmpty ? 0 : this.#held.indexOf("\r\n\r\n");
    if (found !== -1) {
      this.#at = At.end;
      return at + found + (isEmpty ? 2 : 4) - before;
    }
    if (this.#held.length > HEAD_BYTES_MAX) {
      throw this.#broken(`the trailer is longer than ${HEAD_BYTES_MAX} bytes`);
    }
    return end;
  }

  /** Adds what is there of the head to `#held`, its end taken off; where the bytes after it start, or undefined. */
  #hold(buffer: Buffer, at: number, end: number): number | undefined {
    const before = this.#held.length;
    if (before === 0) {
      // In one read, as nearly always: the body behind it is not looked at.
      const found = buffer.indexOf(HEAD_END, at);
      if (found !== -1 && found + HEAD_END.length <= end && found - at <= HEAD_BYTES_MAX) {
        this.#held = buffer.toString("latin1", at, found);
        return found + HEAD_END.length;
      }
    }
    this.#held += buffer.toString("latin1", at, Math.min(end, at + HEAD_BYTES_MAX + 1));
    const found = this.#held.indexOf("\r\n\r\n", Math.max(0, before - HEAD_END.length));
    if (found !== -1 && found <= HEAD_BYTES_MAX) {
      this.#held = this.#held.slice(0, found);
      return at + found + HEAD_END.length - before;
    }
    if (this.#held.length > HEAD_BYTES_MAX) {
      throw this.#broken(`the head is longer than ${HEAD_BYTES_MAX} bytes`);
    }
    return undefined;
  }

  #expect(byte: number | undefined, wanted: number, otherwise: string): void {
    if (byte !== wanted) {
      throw this.#broken(otherwise);
    }
  }

  #broken(what: string): Http1Error {
    this.#at = At.broken;
    return new Http1Error(what);
  }
}

function shown(byte: number): string {
  return byte > SPACE && byte < 0x7f
    ? JSON.stringify(String.fromCharCode(byte))
    : `the byte 0x${byte.toString(16).padStart(2, "0")}`;
}
