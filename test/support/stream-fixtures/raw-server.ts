import { createServer, type AddressInfo, type Socket } from "node:net";
import { createServer as createTlsServer } from "node:tls";

/** A request as it came over the wire. */
export interface RawRequest {
  readonly method: string;
  readonly path: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
  /** From 1, in the order the connections were opened. */
  readonly connection: number;
  /** From 1, on its connection. */
  readonly ordinal: number;
}

/** Writes an answer byte by byte as the test wants it, right or wrong. */
export class RawReply {
  readonly socket: Socket;

  constructor(socket: Socket) {
    this.socket = socket;
  }

  head(status: number, headers: Readonly<Record<string, string>> = {}): this {
    const lines = Object.entries(headers).map(([name, value]) => `${name}: ${value}\r\n`);
    this.socket.write(`HTTP/1.1 ${status} Whatever\r\n${lines.join("")}\r\n`);
    return this;
  }

  /** The head of a stream that HTTP chunks follow. */
  streamHead(headers: Readonly<Record<string, string>> = {}): this {
    return this.head(200, {
      "content-type": "text/event-stream; charset=utf-8",
      "transfer-encoding": "chunked",
      ...headers,
    });
  }

  chunk(data: string | Uint8Array): this {
    this.socket.write(httpChunk(data));
    return this;
  }

  lastChunk(): this {
    this.socket.write("0\r\n\r\n");
    return this;
  }

  /** A whole answer with a length. */
  whole(status: number, headers: Readonly<Record<string, string>>, body: string): this {
    this.head(status, { ...headers, "content-length": String(Buffer.byteLength(body)) });
    this.socket.write(body);
    return this;
  }
}

export function httpChunk(data: string | Uint8Array | readonly number[]): Buffer {
  const bytes = typeof data === "string" ? Buffer.from(data) : Buffer.from(Uint8Array.from(data));
  return Buffer.concat([
    Buffer.from(`${bytes.length.toString(16)}\r\n`),
    bytes,
    Buffer.from("\r\n"),
  ]);
}

export interface RawServer {
  /** Base URL, with `/v1`. */
  readonly url: string;
  readonly port: number;
  readonly requests: readonly RawRequest[];
  /** Connections opened so far. */
  readonly connectionCount: number;
  /** Sockets open now. */
  readonly openCount: number;
  close(): Promise<void>;
}

export type OnRawRequest = (reply: RawReply, request: RawRequest) => void;

/** A server on loopback that knows just enough HTTP to tell requests apart; the answers are the test's. */
export async function startRawServer(
  onRequest: OnRawRequest,
  options: { readonly tls?: { readonly key: string; readonly cert: string } } = {},
): Promise<RawServer> {
  const requests: RawRequest[] = [];
  const open = new Set<Socket>();
  let connectionCount = 0;
  const onConnection = (socket: Socket): void => {
    connectionCount += 1;
    const connection = connectionCount;
    open.add(socket);
    let ordinal = 0;
    let received: Buffer = Buffer.alloc(0);
    socket.on("error", () => undefined);
    socket.on("close", () => open.delete(socket));
    socket.on("data", (data: Buffer) => {
      received = Buffer.concat([received, data]);
      for (let cut = cutRequest(received); cut !== undefined; cut = cutRequest(received)) {
        received = cut.rest;
        ordinal += 1;
        const request = { ...cut.request, connection, ordinal };
        requests.push(request);
        onRequest(new RawReply(socket), request);
      }
    });
  };
  const server =
    options.tls === undefined
      ? createServer({ noDelay: true }, onConnection)
      : createTlsServer(options.tls, onConnection);
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address() as AddressInfo;
  return {
    url: `${options.tls === undefined ? "http" : "https"}://127.0.0.1:${port}/v1`,
    port,
    requests,
    get connectionCount() {
      return connectionCount;
    },
    get openCount() {
      return open.size;
    },
    close: () =>
      new Promise((resolve) => {
        server.close(() => {
          resolve();
        });
        for (const socket of open) {
          socket.destroy();
        }
      }),
  };
}

function cutRequest(
  received: Buffer,
): { request: Omit<RawRequest, "connection" | "ordinal">; rest: Buffer } | undefined {
  const headEnd = received.indexOf("\r\n\r\n");
  if (headEnd === -1) {
    return undefined;
  }
  const [first = "", ...lines] = received.toString("latin1", 0, headEnd).split("\r\n");
  const [method = "", path = ""] = first.split(" ");
  const headers = Object.fromEntries(
    lines.map((line) => {
      const colon = line.indexOf(":");
      return [line.slice(0, colon).toLowerCase(), line.slice(colon + 1).trim()];
    }),
  );
  const bodyEnd = headEnd + 4 + Number(headers["content-length"] ?? 0);
  if (received.length < bodyEnd) {
    return undefined;
  }
  const body = received.toString("utf8", headEnd + 4, bodyEnd);
  return { request: { method, path, headers, body }, rest: received.subarray(bodyEnd) };
}
