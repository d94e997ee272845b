import { ChatEvents } from "../../../agent/endpoint/chat-events.ts";
import { Http1Error, Http1Reader } from "../../../agent/endpoint/http1-reader.ts";
import { SseScanner } from "../../../agent/endpoint/sse-scanner.ts";
import { type Prng, randomStream } from "../../../shared/random/stream.ts";
import { httpChunk } from "./raw-server.ts";
import { TRANSCRIPTS } from "./transcripts.ts";

/** What became of the streams; a crash or a hang would have come out as itself. */
export interface Fuzzed {
  readonly streams: number;
  readonly whole: number;
  /** Refused with a named error. */
  readonly refused: number;
  /** Ended in the middle. */
  readonly open: number;
  readonly events: number;
}

const HEAD =
  "HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ntransfer-encoding: chunked\r\n\r\n";
const EVENT_BYTES_MAX = 4_096;
/** Bytes that mean something to one of the layers. */
const TELLING = Buffer.from('\r\n:;0aF{}[]",\\ d\u0000\u00ff', "latin1");

const ORIGINALS: readonly Buffer[] = TRANSCRIPTS.map(({ chunks }) =>
  Buffer.concat([
    Buffer.from(HEAD),
    ...chunks.map((chunk) => httpChunk(chunk)),
    Buffer.from("0\r\n\r\n"),
  ]),
);

/**
 * Reads `count` recorded streams, each damaged and cut at random, through every layer that sees a server's bytes.
 *
 * @throws whatever a layer throws that is no named error, and Error where one tells more than there was.
 */
export function fuzzStreams(count: number, seed: number): Fuzzed {
  const prng = randomStream({ seed, segment: 1, purpose: "arrivals" });
  const tally = { streams: count, whole: 0, refused: 0, open: 0, events: 0 };
  const buffer = Buffer.alloc(64 * 1_024);
  for (let stream = 0; stream < count; stream += 1) {
    const original = ORIGINALS[below(prng, ORIGINALS.length)] ?? Buffer.alloc(0);
    readDamaged(damaged(original, prng), { prng, buffer, tally });
  }
  return tally;
}

interface Reading {
  readonly prng: Prng;
  readonly buffer: Buffer;
  readonly tally: { whole: number; refused: number; open: number; events: number };
}

function readDamaged(bytes: Buffer, { prng, buffer, tally }: Reading): void {
  const events = new ChatEvents();
  let told = 0;
  const bound = { isPassed: false };
  const scanner = new SseScanner((data, start, end) => {
    events.read(data, start, end);
    told += 1;
  }, EVENT_BYTES_MAX);
  const reader = new Http1Reader();
  reader.begin({
    onHead: () => undefined,
    onBody: (data, start, end) => {
      if (!scanner.push(data, start, end)) bound.isPassed = true;
    },
  });
  let at = 0;
  try {
    while (at < bytes.length && !reader.isWhole) {
      const end = Math.min(bytes.length, at + 1 + below(prng, 400));
      bytes.copy(buffer, 0, at, end);
      reader.push(buffer, end - at);
      at = end;
    }
  } catch (error) {
    if (!(error instanceof Http1Error)) throw error;
    tally.refused += 1;
    return;
  }
  // An event takes at least "data\n\n".
  if (told > bytes.length / 6) throw new Error(`${told} events of ${bytes.length} bytes`);
  tally.events += told;
  if (bound.isPassed) tally.refused += 1;
  else if (reader.isWhole) tally.whole += 1;
  else tally.open += 1;
}

/** A copy with up to four wounds: a byte changed, cut out, doubled, or a stretch repeated elsewhere. */
function damaged(original: Buffer, prng: Prng): Buffer {
  let bytes = Buffer.from(original);
  for (let wounds = below(prng, 5); wounds > 0; wounds -= 1) {
    const at = below(prng, bytes.length);
    const until = Math.min(bytes.length, at + below(prng, 64));
    switch (below(prng, 4)) {
      case 0:
        bytes[at] = TELLING[below(prng, TELLING.length)] ?? 0;
        break;
      case 1:
        bytes[at] = below(prng, 256);
        break;
      case 2:
        bytes = Buffer.concat([bytes.subarray(0, at), bytes.subarray(until)]);
        break;
      default: {
        const into = below(prng, bytes.length);
        bytes = Buffer.concat([
          bytes.subarray(0, into),
          bytes.subarray(at, until),
          bytes.subarray(into),
        ]);
      }
    }
    if (bytes.length === 0) return Buffer.from(original);
  }
  return bytes;
}

function below(prng: Prng, bound: number): number {
  return Math.floor(prng.nextUnit() * bound);
}
