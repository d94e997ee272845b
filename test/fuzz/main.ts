import { fuzzStreams } from "../support/stream-fixtures/fuzz-streams.ts";

/**
 * `npm run fuzz [-- STREAMS [SEED]]`: damaged streams through the HTTP/1.1 reader, the event scanner and the event
 * reader, in rounds, with the heap that is left after each. Ends with 1 where it has grown.
 */
const STREAMS = Number(process.argv[2] ?? 1_000_000);
const SEED = Number(process.argv[3] ?? 1);
const ROUNDS = 10;
const GROWTH_MAX_BYTES = 8 << 20;

function heapBytes(): number {
  globalThis.gc?.();
  return process.memoryUsage().heapUsed;
}

let first = 0;
let last = 0;
for (let round = 1; round <= ROUNDS; round += 1) {
  const fuzzed = fuzzStreams(Math.ceil(STREAMS / ROUNDS), SEED * 1_000 + round);
  last = heapBytes();
  if (round === 1) first = last;
  process.stdout.write(`${JSON.stringify({ round, ...fuzzed, heapMb: last / 1e6 })}\n`);
}
const grown = last - first;
process.stdout.write(
  `heap ${(grown / 1e6).toFixed(1)} MB more after the last round than after the first\n`,
);
process.exitCode = grown > GROWTH_MAX_BYTES ? 1 : 0;
