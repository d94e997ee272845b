import type { Segment } from "./segment.ts";

/** A stretch of the run's clock, as reports cut it. */
export interface IntervalBounds {
  readonly fromNs: number;
  /** Exclusive. */
  readonly toNs: number;
  /** Whether it lies in its segment's recorded window. */
  readonly recorded: boolean;
}

/**
 * The first cut after an instant: a multiple of `intervalNs` on the run's clock, or a bound of the segment (its
 * start, its recorded window's bounds, its end), whichever comes first. Every agent cuts at the same instants.
 */
export function nextCutNs(segment: Segment, afterNs: number, intervalNs: number): number {
  let cutNs = (Math.floor(afterNs / intervalNs) + 1) * intervalNs;
  for (const boundNs of boundsNs(segment)) {
    if (boundNs > afterNs && boundNs < cutNs) cutNs = boundNs;
  }
  return cutNs;
}

/** The interval that an instant lies in: from the last cut at or before it to the first one after it. */
export function intervalOf(segment: Segment, atNs: number, intervalNs: number): IntervalBounds {
  let fromNs = Math.floor(atNs / intervalNs) * intervalNs;
  for (const boundNs of boundsNs(segment)) {
    if (boundNs <= atNs && boundNs > fromNs) fromNs = boundNs;
  }
  return {
    fromNs,
    toNs: nextCutNs(segment, atNs, intervalNs),
    recorded: atNs >= segment.recordFromNs && atNs < segment.recordUntilNs,
  };
}

function boundsNs(segment: Segment): readonly [number, number, number, number] {
  return [segment.startAtNs, segment.recordFromNs, segment.recordUntilNs, segment.endByNs];
}
