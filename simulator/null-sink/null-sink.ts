import { type AddressInfo, createServer, type Server, type Socket } from "node:net";
import { type SinkRequest, takeRequest } from "./request.ts";
import type { SinkEntry } from "../../shared/measurement/sink-entry.ts";
import { NS_PER_MS } from "../../shared/units.ts";
import { tokenBytes } from "./stream.ts";

/** Between two tokens of an answer. Streams are spread over its ms, so that they do not all come at once. */
const PACE_MS = 4;
/** Answers whose instants are kept; later ones are served and forgotten. */
const LOGGED_MAX = 20_000;

interface Stream {
  readonly socket: Socket;
  readonly tokens: number;
  readonly number: number;
  readonly receivedAtNs: number;
  readonly writtenAtNs: number[];
}

export interface NullSink {
  readonly port: number;
  /** What was logged since it was asked last. */
  takeLog(): readonly SinkEntry[];
  close(): Promise<void>;
}

/**
 * An OpenAI chat endpoint that does nothing but answer: the first token at once, the others at a fixed pace, over
 * bare sockets. What a client measures of it beyond the instants that it logs is the client's own. Loopback only.
 */
export async function startNullSink(): Promise<NullSink> {
  const sink = new Sink();
  await sink.listen();
  return sink;
}

class Sink implements NullSink {
  readonly #server: Server;
  readonly #sockets = new Set<Socket>();
  /** By the ms, modulo the pace, at which they get their next token. */
  readonly #due: Set<Stream>[] = Array.from({ length: PACE_MS }, () => new Set());
  #streaming = 0;
  #timer: NodeJS.Timeout | undefined;
  #servedMs = 0;
  #log: SinkEntry[] = [];

  constructor() {
    this.#server = createServer({ noDelay: true }, (socket) => {
      this.#serve(socket);
    });
  }

  get port(): number {
    return (this.#server.address() as AddressInfo).port;
  }

  listen(): Promise<void> {
    return new Promise((resolve, reject) => {
      this.#server.once("error", reject);
      // A burst opens a connection for each request in flight.
      this.#server.listen({ port: 0, host: "127.0.0.1", backlog: 4_096 }, resolve);
    });
  }

  takeLog(): readonly SinkEntry[] {
    const log = this.#log;
    this.#log = [];
    return log;
  }

  close(): Promise<void> {
    clearInterval(this.#timer);
    return new Promise((resolve) => {
      this.#server.close(() => {
        resolve();
      });
      for (const socket of this.#sockets) socket.destroy();
    });
  }

  #serve(socket: Socket): void {
    this.#sockets.add(socket);
    let text = "";
    socket.on("data", (bytes) => {
      const receivedAtNs = hostNs();
      text += bytes.toString("latin1");
      for (let taken = takeRequest(text); taken !== undefined; taken = takeRequest(text)) {
        text = taken.rest;
        this.#answer(socket, taken.request, receivedAtNs);
      }
    });
    socket.on("error", () => socket.destroy());
    socket.on("close", () => this.#sockets.delete(socket));
  }

  #answer(socket: Socket, request: SinkRequest, receivedAtNs: number): void {
    const { tokens, number } = request;
    const stream: Stream = { socket, tokens, number, receivedAtNs, writtenAtNs: [] };
    if (this.#writeNext(stream)) return;
    if (this.#streaming === 0) this.#startTicking();
    this.#streaming += 1;
    this.#due[Math.floor(receivedAtNs / NS_PER_MS) % PACE_MS]?.add(stream);
  }

  /** Whether that was the last one. */
  #writeNext(stream: Stream): boolean {
    const { socket, tokens, number, receivedAtNs, writtenAtNs } = stream;
    if (socket.destroyed) return true;
    socket.write(tokenBytes(writtenAtNs.length, tokens));
    writtenAtNs.push(hostNs());
    if (writtenAtNs.length < tokens) return false;
    if (this.#log.length < LOGGED_MAX) this.#log.push({ number, receivedAtNs, writtenAtNs });
    return true;
  }

  #startTicking(): void {
    this.#servedMs = Math.floor(hostNs() / NS_PER_MS);
    this.#timer = setInterval(() => {
      this.#tick();
    }, 1);
  }

  /** Serves every ms that has passed; a late tick serves none of them twice. */
  #tick(): void {
    const nowMs = Math.floor(hostNs() / NS_PER_MS);
    const slots = Math.min(PACE_MS, nowMs - this.#servedMs);
    for (let ms = nowMs - slots + 1; ms <= nowMs; ms += 1) this.#serveSlot(this.#due[ms % PACE_MS]);
    this.#servedMs = nowMs;
    if (this.#streaming === 0) clearInterval(this.#timer);
  }

  #serveSlot(streams: Set<Stream> | undefined): void {
    for (const stream of streams ?? [])
      if (this.#writeNext(stream)) {
        streams?.delete(stream);
        this.#streaming -= 1;
      }
  }
}

/** Monotonic, and the same for every process of this host. */
function hostNs(): number {
  return Number(process.hrtime.bigint());
}
