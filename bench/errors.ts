import type { SinkEntry } from "../shared/measurement/sink-entry.ts";
import type { RequestLine } from "../coordinator/store/requests-file.ts";
import { NS_PER_MS } from "../shared/units.ts";
import { quantileOf } from "./quantile.ts";
import { runLoad } from "./run.ts";
import type { Sink } from "./sink.ts";
import { type Row, significant } from "./table.ts";

const SECONDS = 12;
/** The first second opens connections. */
const FROM_MS = 1_000;

export interface ErrorsOptions {
  readonly sink: Sink;
  readonly ratePerSecond: number;
  readonly outputTokens: number;
}

/** How far a request's times are from what the server logged of the same request. */
export async function timingErrors(options: ErrorsOptions): Promise<readonly Row[]> {
  const { sink, ratePerSecond, outputTokens } = options;
  await sink.takeLog();
  const { requests } = await runLoad({
    url: sink.url,
    arrivals: "poisson",
    seconds: SECONDS,
    ratePerSecond,
    outputTokens,
  });
  const pairs = pairsOf(requests, await sink.takeLog());
  const at = `${ratePerSecond}/s × ${outputTokens} tokens`;
  const ttft = pairs.map(([request, entry]) => {
    const serverMs = ((entry.writtenAtNs[0] ?? NaN) - entry.receivedAtNs) / NS_PER_MS;
    return (request.ttftMs ?? NaN) - (request.sendDelayMs ?? NaN) - serverMs;
  });
  const gap = pairs.map(([request, entry]) => (request.maxGapMs ?? NaN) - maxGapMs(entry));
  const itl = pairs.map(([request, entry]) => (request.gapMeanMs ?? NaN) - meanGapMs(entry));
  return [
    row(`service TTFT, client − server's log, ${at}`, ttft, "p50 ≤ 0.3 ms, p99 ≤ 2 ms"),
    row(`a request's largest gap, client − server's log, ${at}`, gap, ""),
    row(`a request's mean gap, client − server's log, ${at}`, itl, ""),
  ];
}

function row(figure: string, errorsMs: readonly number[], goal: string): Row {
  const ms = (q: number): string => `${significant(quantileOf(errorsMs, q))} ms`;
  return {
    figure,
    measured: `p1 ${ms(0.01)}, p50 ${ms(0.5)}, p99 ${ms(0.99)}, max ${ms(1)}`,
    beside: `the instants that the server logged of the same ${errorsMs.length.toLocaleString("en-US")} requests`,
    ratio: undefined,
    goal,
  };
}

/** Each request with its entry of the log, by the order of sending and of arrival: neighbours within µs may be swapped. */
function pairsOf(
  requests: readonly RequestLine[],
  log: readonly SinkEntry[],
): readonly (readonly [RequestLine, SinkEntry])[] {
  const entries = log.toSorted((a, b) => a.receivedAtNs - b.receivedAtNs);
  const sent = requests.toSorted(
    (a, b) => a.intendedMs + (a.sendDelayMs ?? 0) - b.intendedMs - (b.sendDelayMs ?? 0),
  );
  return sent.flatMap((request, place) => {
    const entry = entries[place];
    return entry === undefined || request.intendedMs < FROM_MS ? [] : [[request, entry] as const];
  });
}

function maxGapMs({ writtenAtNs }: SinkEntry): number {
  let longest = 0;
  for (let k = 1; k < writtenAtNs.length; k += 1)
    longest = Math.max(longest, (writtenAtNs[k] ?? 0) - (writtenAtNs[k - 1] ?? 0));
  return longest / NS_PER_MS;
}

function meanGapMs({ writtenAtNs }: SinkEntry): number {
  const gaps = writtenAtNs.length - 1;
  return ((writtenAtNs.at(-1) ?? NaN) - (writtenAtNs[0] ?? NaN)) / gaps / NS_PER_MS;
}
