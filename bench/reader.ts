import { type Socket, connect } from "node:net";

/** What a bare reader is to do; its only argument, as JSON. */
export interface ReaderOrder {
  readonly port: number;
  readonly ratePerSecond: number;
  readonly seconds: number;
  /** Left out of the CPU figure: code is compiled and connections are made. */
  readonly warmSeconds: number;
  readonly outputTokens: number;
}

/** What it found, as one line of JSON. */
export interface ReaderFigures {
  /** Of this process, over the steady part. */
  readonly cpuSeconds: number;
  readonly steadySeconds: number;
  /** Streams that ended in the steady part. */
  readonly streams: number;
  /** `data:` lines counted in all. */
  readonly events: number;
  readonly sendDelayP50Ms: number;
  readonly sendDelayP99Ms: number;
}

const DATA = Buffer.from("data:");
const LAST_CHUNK = Buffer.from("0\r\n\r\n");
const DRAIN_MS = 20_000;
/** About what 128 tokens of prompt are on the wire. */
const PROMPT = "word ".repeat(128);

/**
 * The least a client of streams can do: it writes a request that it encoded beforehand to a kept connection, counts
 * the `data:` lines of what comes back, and sees the end of the body. It times nothing but its own sending.
 */
class BareReader {
  readonly #order: ReaderOrder;
  readonly #request: Buffer;
  readonly #idle: Socket[] = [];
  readonly #sendDelaysMs: number[] = [];
  #sent = 0;
  #ended = 0;
  #events = 0;
  #broken = 0;

  constructor(order: ReaderOrder) {
    this.#order = order;
    this.#request = requestOf(order);
  }

  async run(): Promise<ReaderFigures> {
    const { ratePerSecond, seconds, warmSeconds } = this.#order;
    const startAtMs = performance.now();
    const sending = this.#sendUntil(startAtMs, ratePerSecond * seconds);
    await sleep(warmSeconds * 1000);
    const cpuBefore = process.cpuUsage();
    const endedBefore = this.#ended;
    const steadyFromMs = performance.now();
    await sending;
    const { user, system } = process.cpuUsage(cpuBefore);
    const steadySeconds = (performance.now() - steadyFromMs) / 1000;
    const streams = this.#ended - endedBefore;
    await this.#drained();
    const delays = this.#sendDelaysMs.slice(ratePerSecond * warmSeconds).sort((a, b) => a - b);
    return {
      cpuSeconds: (user + system) / 1e6,
      steadySeconds,
      streams,
      events: this.#events,
      sendDelayP50Ms: quantile(delays, 0.5),
      sendDelayP99Ms: quantile(delays, 0.99),
    };
  }

  /** Fires everything that is due, then sleeps to the next. */
  async #sendUntil(startAtMs: number, requests: number): Promise<void> {
    const gapMs = 1000 / this.#order.ratePerSecond;
    while (this.#sent < requests) {
      const dueAtMs = startAtMs + this.#sent * gapMs;
      const nowMs = performance.now();
      if (dueAtMs > nowMs) {
        await sleep(dueAtMs - nowMs);
        continue;
      }
      this.#sendDelaysMs.push(nowMs - dueAtMs);
      this.#sent += 1;
      (this.#idle.pop() ?? this.#open()).write(this.#request);
    }
  }

  #open(): Socket {
    const socket = connect({ port: this.#order.port, host: "127.0.0.1", noDelay: true });
    socket.on("data", (bytes) => {
      for (let at = bytes.indexOf(DATA); at >= 0; at = bytes.indexOf(DATA, at + DATA.length))
        this.#events += 1;
      if (!bytes.subarray(-LAST_CHUNK.length).equals(LAST_CHUNK)) return;
      this.#ended += 1;
      this.#idle.push(socket);
    });
    socket.on("error", () => {
      this.#broken += 1;
    });
    return socket;
  }

  async #drained(): Promise<void> {
    const untilMs = performance.now() + DRAIN_MS;
    while (this.#ended < this.#sent && this.#broken === 0 && performance.now() < untilMs)
      await sleep(50);
    const whole = this.#events >= this.#ended * this.#order.outputTokens;
    if (this.#ended < this.#sent || !whole)
      throw new Error(`${this.#sent} sent, ${this.#ended} ended, ${this.#events} events`);
  }
}

function requestOf({ port, outputTokens }: ReaderOrder): Buffer {
  const body = JSON.stringify({
    model: "sim",
    messages: [{ role: "user", content: PROMPT }],
    stream: true,
    max_tokens: outputTokens,
    stream_options: { include_usage: true },
  });
  return Buffer.from(
    `POST /v1/chat/completions HTTP/1.1\r\nhost: 127.0.0.1:${port}\r\n` +
      `content-type: application/json\r\ncontent-length: ${Buffer.byteLength(body)}\r\n\r\n${body}`,
  );
}

/** @param sorted ascending. */
function quantile(sorted: readonly number[], q: number): number {
  return sorted[Math.max(0, Math.ceil(q * sorted.length) - 1)] ?? NaN;
}

function sleep(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}

const figures = await new BareReader(JSON.parse(process.argv[2] ?? "") as ReaderOrder).run();
process.stdout.write(`${JSON.stringify(figures)}\n`, () => process.exit(0));
