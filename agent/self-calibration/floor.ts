import type { SinkEntry } from "../../shared/measurement/sink-entry.ts";
import type { TapedRequest } from "./tape.ts";

/** What the agent adds to what the server did, one figure a request or gap; ns. */
export interface AgentErrors {
  /** First content after the send, less the time the server took between its read and its first write. */
  readonly ttftNs: readonly number[];
  /** How far each gap is off the one between the server's writes. */
  readonly gapErrorNs: readonly number[];
  /** How far a request's mean gap is off the server's. */
  readonly itlErrorNs: readonly number[];
}

/**
 * Holds an agent's tape against the log of the server it spoke to. The first figure compares durations of two
 * processes, so no clock has to agree with another. A request that either side holds only a part of is left out.
 */
export function agentErrors(
  taped: readonly TapedRequest[],
  logged: readonly SinkEntry[],
): AgentErrors {
  const byNumber = new Map(logged.map((entry) => [entry.number, entry]));
  const ttftNs: number[] = [];
  const gapErrorNs: number[] = [];
  const itlErrorNs: number[] = [];
  for (const { number, sentAtNs, contentAtNs } of taped) {
    const entry = byNumber.get(number);
    const [first] = contentAtNs;
    if (first === undefined || entry?.writtenAtNs.length !== contentAtNs.length) continue;
    const servedNs = (entry.writtenAtNs[0] ?? 0) - entry.receivedAtNs;
    // Its log is stamped after the write: where the client was quicker than that, it added nothing.
    ttftNs.push(Math.max(0, first - sentAtNs - servedNs));
    for (let place = 1; place < contentAtNs.length; place += 1)
      gapErrorNs.push(Math.abs(gapAt(contentAtNs, place) - gapAt(entry.writtenAtNs, place)));
    if (contentAtNs.length > 1)
      itlErrorNs.push(Math.abs(meanGapOf(contentAtNs) - meanGapOf(entry.writtenAtNs)));
  }
  return { ttftNs, gapErrorNs, itlErrorNs };
}

function meanGapOf(instantsNs: readonly number[]): number {
  return ((instantsNs.at(-1) ?? 0) - (instantsNs[0] ?? 0)) / (instantsNs.length - 1);
}

function gapAt(instantsNs: readonly number[], place: number): number {
  return (instantsNs[place] ?? 0) - (instantsNs[place - 1] ?? 0);
}

/** The value that a part `q` of them does not exceed; 0 without any. */
export function quantileOf(values: readonly number[], q: number): number {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[Math.max(0, Math.ceil(q * sorted.length) - 1)] ?? 0;
}
