import type { TestContext } from "node:test";
import { openaiEndpoint, type OpenAiEndpoint } from "../../../agent/endpoint/openai.ts";
import { orderEncoder } from "../../../agent/endpoint/order-encoder.ts";
import type { Target } from "../../../shared/control/control.ts";
import { SystemClock } from "../../../shared/platform/system-clock.ts";
import type { Clock } from "../../../shared/time/clock.ts";
import { startRawServer, type OnRawRequest, type RawReply, type RawServer } from "./raw-server.ts";
import { RecordedStream } from "./recorded-stream.ts";
import { aTarget } from "./target.ts";

export interface Harness {
  readonly server: RawServer;
  readonly endpoint: OpenAiEndpoint;
  readonly clock: Clock;
  /** Sends one request; `giveUp` ends it. */
  readonly send: () => {
    readonly stream: RecordedStream;
    readonly giveUp: (outcome: "timeout" | "censored") => void;
  };
}

export interface HarnessOptions {
  readonly clock?: Clock;
  readonly target?: Partial<Target>;
  readonly apiKey?: string;
  readonly addresses?: readonly string[];
  readonly tls?: { readonly key: string; readonly cert: string };
}

/** An endpoint and the server it talks to; both close when the test ends. */
export async function harness(
  t: TestContext,
  onRequest: OnRawRequest,
  options: HarnessOptions = {},
): Promise<Harness> {
  const server = await startRawServer(
    onRequest,
    options.tls === undefined ? {} : { tls: options.tls },
  );
  const clock = options.clock ?? new SystemClock();
  const target = aTarget({ url: server.url, ...options.target });
  const endpoint = openaiEndpoint({
    target,
    clock,
    apiKey: options.apiKey,
    ...(options.addresses === undefined ? {} : { addresses: options.addresses }),
  });
  t.after(async () => {
    await endpoint.close();
    await server.close();
  });
  const encode = orderEncoder(target);
  return {
    server,
    endpoint,
    clock,
    send: () => {
      const stream = new RecordedStream();
      return { stream, giveUp: endpoint.send(encode("hi", 8), stream) };
    },
  };
}

const chunkOf = (choice: object): string =>
  `data: ${JSON.stringify({ choices: [{ index: 0, ...choice }] })}\n\n`;

export const TEXT = chunkOf({ delta: { content: "a" } });
export const FINISH = chunkOf({ delta: {}, finish_reason: "stop" });
export const DONE = "data: [DONE]\n\n";

/** A good stream of one token, whole. */
export function answer(reply: RawReply): void {
  reply.socket.cork();
  // llama-server promises this, and closes all the same.
  reply
    .streamHead({ "keep-alive": "timeout=5, max=100" })
    .chunk(TEXT)
    .chunk(FINISH)
    .chunk(DONE)
    .lastChunk()
    .socket.uncork();
}

/** Resolves once `holds` does; asks again at each turn of the event loop, for what no event tells. */
export async function eventually(holds: () => boolean): Promise<void> {
  while (!holds()) {
    await new Promise((resolve) => setImmediate(resolve));
  }
}
