import type { ServerResponse } from "node:http";
import type { Socket } from "node:net";

/** A client that does not read is let go before its backlog fills the memory. */
const PENDING_BYTES_MAX = 4 * 1024 * 1024;

/**
 * The body of a streamed response. What comes in one turn leaves in one write.
 *
 * It frames HTTP chunks by itself and writes them past the response object, straight to its socket: at
 * thousands of tokens a second that saves about a fifth of the server's CPU, which it shares with those who
 * measure it. Headers and the last chunk still go through the response, so keep-alive works as always. Where
 * the socket is not the response's yet (pipelining) or chunks are unknown (HTTP/1.0), it uses the response.
 */
export class ChunkedBody {
  readonly #response: ServerResponse;
  readonly #socket: Socket | null;
  readonly #oneByteChunks: boolean;
  /** Text of one byte a character needs no look at each of them. */
  readonly #encoding: "latin1" | "utf8";
  #pending = "";
  /** Headers are on their way; `response.headersSent` says so as soon as they are written down. */
  #isOpen = false;

  constructor(
    response: ServerResponse,
    options: { readonly ascii: boolean; readonly oneByteChunks: boolean },
  ) {
    this.#response = response;
    this.#socket = response.req.httpVersion === "1.1" ? response.socket : null;
    this.#oneByteChunks = options.oneByteChunks;
    // One-byte chunks are cut from the encoded bytes, each kept as one character.
    this.#encoding = options.ascii || options.oneByteChunks ? "latin1" : "utf8";
  }

  /** Takes the text of one chunk; it leaves at the next flush. */
  add(text: string): void {
    if (this.#socket === null) {
      this.#pending += text;
    } else if (this.#oneByteChunks) {
      for (const byte of Buffer.from(text)) {
        this.#pending += `1\r\n${String.fromCharCode(byte)}\r\n`;
      }
    } else {
      const bytes = this.#encoding === "latin1" ? text.length : Buffer.byteLength(text);
      this.#pending += `${bytes.toString(16)}\r\n${text}\r\n`;
    }
  }

  /** Sends the headers, if they have not gone yet. */
  open(): void {
    if (this.#isOpen) return;
    this.#isOpen = true;
    this.#response.flushHeaders();
  }

  /** @returns false when the client does not read, or is gone. */
  flush(): boolean {
    const pending = this.#pending;
    if (pending === "") return true;
    this.#pending = "";
    const socket = this.#socket;
    if (socket === null) {
      this.#response.write(pending);
      return this.#response.writableLength <= PENDING_BYTES_MAX;
    }
    if (socket.destroyed) return false;
    socket.cork();
    this.open();
    socket.write(pending, this.#encoding);
    socket.uncork();
    return socket.writableLength <= PENDING_BYTES_MAX;
  }

  /** Sends what is pending and the end, in one write. */
  end(): void {
    const socket = this.#socket;
    socket?.cork();
    this.flush();
    this.#response.end();
    socket?.uncork();
  }

  /** Sends what is pending and closes the connection without the end of the body. */
  cut(): void {
    this.flush();
    this.open();
    const socket = this.#socket ?? this.#response.socket;
    socket?.destroySoon();
  }
}
