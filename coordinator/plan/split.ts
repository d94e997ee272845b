import { WindowHasher } from "../../shared/arrivals/window-hash.ts";
import type { Segment } from "../../shared/segment/segment.ts";

/** What a segment would be, told before anything is sent. */
export interface SplitSummary {
  /** SHA-256 (hex) over the window's arrivals, the same for any number of agents; null without a schedule. */
  readonly scheduleHash: string | null;
  /** Arrivals of the recorded window. */
  readonly arrivals: number;
  readonly shares: readonly {
    readonly agentId: string;
    readonly fraction: number;
    readonly arrivals: number;
  }[];
}

/** Arrivals hashed between two looks; any number gives the same summary. */
const SLICE_ARRIVALS = 100_000;

/** Who sends how much of a segment's recorded window. Walks the schedule once for each agent. */
export function splitSummary(segment: Segment, seed: number): SplitSummary {
  const { shares } = segment;
  const capacity = shares.reduce((sum, share) => sum + share.capacity, 0);
  const hashes = shares.map(({ agentId }) => hashOf({ segment, seed, agentId }));
  const [first] = hashes;
  return {
    scheduleHash: first === undefined || first.hashHex === "" ? null : first.hashHex,
    arrivals: first?.totalCount ?? 0,
    shares: shares.map((share, place) => ({
      agentId: share.agentId,
      fraction: share.capacity / capacity,
      arrivals: hashes[place]?.ownedCount ?? 0,
    })),
  };
}

function hashOf(
  key: ConstructorParameters<typeof WindowHasher>[0],
): ReturnType<WindowHasher["result"]> {
  const hasher = new WindowHasher(key);
  let done = false;
  while (!done) done = hasher.step(SLICE_ARRIVALS);
  return hasher.result();
}
