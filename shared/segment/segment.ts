import type { Arrivals } from "../arrivals/arrivals.ts";
import type { Share } from "../arrivals/share.ts";

/** How a segment's load comes about. `closed`, `serial` and `backlog` have no schedule: intended = sent. */
export type SegmentMode =
  | { readonly kind: "open"; readonly arrivals: Arrivals }
  /** One named agent sends one request at a time. */
  | { readonly kind: "serial"; readonly agentId: string }
  /** `streams` over the whole fleet, shared out by largest remainder. */
  | { readonly kind: "closed"; readonly streams: number }
  /** Send while fewer than `waitingMax` (over the whole fleet) wait for their first token. */
  | { readonly kind: "backlog"; readonly waitingMax: number }
  | { readonly kind: "idle" };

/**
 * A stretch of load. All instants are ns on the run's clock. At `startAtNs` it supersedes the segment before;
 * the recorded window is [recordFromNs, recordUntilNs); after it the load goes on until `endByNs` or the next segment.
 */
export interface Segment {
  /** From 1, strictly growing within a run. */
  readonly number: number;
  readonly mode: SegmentMode;
  readonly startAtNs: number;
  readonly recordFromNs: number;
  readonly recordUntilNs: number;
  readonly endByNs: number;
  /** Stop after this many scheduled arrivals of the whole fleet; 0 = no bound. */
  readonly requestsMax: number;
  /** The fleet in the order of its places; the weights of the striping. */
  readonly shares: readonly Share[];
  /** Its requests go to the other endpoint of the run; left out where they go to the target. */
  readonly against?: true;
}
