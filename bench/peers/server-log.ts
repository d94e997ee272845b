import type { ArrivalRecord } from "../../simulator/http/arrival-log.ts";
import { NS_PER_MS } from "../../shared/units.ts";

/** What the server's own log says of a client's run. */
export interface ServerLog {
  /** Ascending, ns on the host's monotonic clock. */
  readonly arrivedAtNs: readonly number[];
  /** From when a request's body was read to when its first token was handed to the socket. */
  readonly ttftMs: readonly number[];
  /** Tokens written between two instants; a request's are spread evenly from its first to its last. */
  tokensBetween(fromNs: number, toNs: number): number;
}

/**
 * Reads `simulate-server --log`.
 *
 * @param asked how many requests were to come: what arrived before the last so many were a client's own tries.
 */
export function readServerLog(text: string, asked: number): ServerLog {
  const records = text
    .split("\n")
    .flatMap((line) => (line === "" ? [] : [JSON.parse(line) as Partial<ArrivalRecord>]))
    .filter((line): line is ArrivalRecord => line.arrivedAtNs !== undefined)
    .sort((a, b) => a.arrivedAtNs - b.arrivedAtNs)
    .slice(-Math.max(1, asked));
  return {
    arrivedAtNs: records.map(({ arrivedAtNs }) => arrivedAtNs),
    ttftMs: records.flatMap(({ arrivedAtNs, firstTokenWrittenAtNs }) =>
      firstTokenWrittenAtNs === undefined
        ? []
        : [(firstTokenWrittenAtNs - arrivedAtNs) / NS_PER_MS],
    ),
    tokensBetween: (fromNs, toNs) =>
      records.reduce((sum, record) => sum + tokensOf(record, fromNs, toNs), 0),
  };
}

function tokensOf(record: ArrivalRecord, fromNs: number, toNs: number): number {
  const { tokens, firstTokenWrittenAtNs: first, lastTokenWrittenAtNs: last } = record;
  if (first === undefined || last === undefined) return 0;
  if (last === first) return first >= fromNs && first < toNs ? tokens : 0;
  const overlapNs = Math.max(0, Math.min(toNs, last) - Math.max(fromNs, first));
  return (tokens * overlapNs) / (last - first);
}
