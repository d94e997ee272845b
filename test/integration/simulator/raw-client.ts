import { once } from "node:events";
import { connect } from "node:net";
import type { Socket } from "node:net";

/** A response as it stood on the wire. */
export interface RawResponse {
  readonly status: number;
  readonly headers: ReadonlyMap<string, string>;
  /** HTTP chunks, one by one; a body with a length is one chunk. */
  readonly chunks: readonly string[];
  /** The end of the body came. */
  readonly complete: boolean;
}

/** Reads HTTP by hand, so that a test sees chunk borders, and when the server closes. */
export class RawClient {
  readonly socket: Socket;
  #bytes = Buffer.alloc(0);
  #wake: () => void = () => undefined;
  #closed = false;

  private constructor(port: number) {
    this.socket = connect(port, "127.0.0.1");
    this.socket.on("data", (part) => {
      this.#bytes = Buffer.concat([this.#bytes, part]);
      this.#wake();
    });
    this.socket.on("error", () => undefined);
    for (const event of ["end", "close"] as const) {
      this.socket.on(event, () => {
        this.#closed = true;
        this.#wake();
      });
    }
  }

  static async open(port: number): Promise<RawClient> {
    const client = new RawClient(port);
    await once(client.socket, "connect");
    return client;
  }

  /** Sends a JSON body (or text as it is) and does not wait. */
  send(path: string, body: unknown, headers: Readonly<Record<string, string>> = {}): void {
    const text = typeof body === "string" ? body : JSON.stringify(body);
    const lines = Object.entries(headers).map(([name, value]) => `${name}: ${value}\r\n`);
    this.socket.write(
      `POST ${path} HTTP/1.1\r\nhost: localhost\r\ncontent-length: ${Buffer.byteLength(text)}\r\n${lines.join("")}\r\n${text}`,
    );
  }

  async post(path: string, body: unknown, headers?: Record<string, string>): Promise<RawResponse> {
    this.send(path, body, headers);
    return this.response();
  }

  /** Resolves when headers came. */
  async head(): Promise<Pick<RawResponse, "status" | "headers">> {
    const head = await this.#until("\r\n\r\n");
    if (head === undefined) throw new Error("closed before a response");
    const [statusLine = "", ...lines] = head.split("\r\n");
    const headers = new Map(
      lines.map((line) => {
        const colon = line.indexOf(":");
        return [line.slice(0, colon).toLowerCase(), line.slice(colon + 1).trim()] as const;
      }),
    );
    return { status: Number(statusLine.split(" ")[1]), headers };
  }

  /** The next HTTP chunk; undefined at the end of the body, "closed" when the connection closed before it. */
  async chunk(): Promise<string | undefined> {
    const size = await this.#until("\r\n");
    if (size === undefined) return "closed";
    const bytes = Number.parseInt(size, 16);
    const data = await this.#take(bytes + 2);
    if (data === undefined) return "closed";
    return bytes === 0 ? undefined : data.subarray(0, bytes).toString("latin1");
  }

  async response(): Promise<RawResponse> {
    const { status, headers } = await this.head();
    const length = headers.get("content-length");
    if (length !== undefined) {
      const body = await this.#take(Number(length));
      return { status, headers, chunks: [String(body)], complete: body !== undefined };
    }
    const chunks: string[] = [];
    for (;;) {
      const chunk = await this.chunk();
      if (chunk === undefined || chunk === "closed") {
        return { status, headers, chunks, complete: chunk === undefined };
      }
      chunks.push(chunk);
    }
  }

  /** Resolves when the server closed the connection; what it sent before that is dropped. */
  async closed(): Promise<void> {
    while (!this.#closed) await this.#more();
  }

  leave(): void {
    this.socket.destroy();
  }

  async #until(separator: string): Promise<string | undefined> {
    for (;;) {
      const at = this.#bytes.indexOf(separator);
      if (at >= 0) {
        const text = this.#bytes.subarray(0, at).toString("latin1");
        this.#bytes = this.#bytes.subarray(at + separator.length);
        return text;
      }
      if (this.#closed) return undefined;
      await this.#more();
    }
  }

  async #take(count: number): Promise<Buffer | undefined> {
    while (this.#bytes.length < count) {
      if (this.#closed) return undefined;
      await this.#more();
    }
    const taken = this.#bytes.subarray(0, count);
    this.#bytes = this.#bytes.subarray(count);
    return taken;
  }

  #more(): Promise<void> {
    return new Promise((resolve) => {
      this.#wake = resolve;
    });
  }
}

/** The events of a body, without their `data: `. */
export function eventsOf(chunks: readonly string[]): string[] {
  return chunks
    .join("")
    .split(/\r?\n\r?\n/)
    .filter((event) => event !== "")
    .map((event) => {
      if (!event.startsWith("data: ")) throw new Error(`no data line: ${event}`);
      return event.slice("data: ".length);
    });
}
