import { NS_PER_SECOND } from "../../shared/units.ts";

/** How many replicas were seen serving at an instant of the run's axis. */
export interface ReplicaSample {
  readonly atNs: number;
  readonly replicas: number;
}

/** What a stretch of a run was served by. */
export interface ReplicaTime {
  /** Over the seen part only: what was not seen is not guessed. */
  readonly replicaSeconds: number;
  readonly seenS: number;
  /** Over the seen part; undefined where nothing was seen. */
  readonly average: number | undefined;
}

/**
 * Replicas × time: each sample holds until the next one, and for no longer than `heldNs`, so that a scraper that fell
 * silent leaves a gap and not a fleet that never changed.
 *
 * @param samples In the order of time. @param stretch From, inclusive, until, exclusive, ns.
 */
export function replicaTime(
  samples: readonly ReplicaSample[],
  stretch: { readonly fromNs: number; readonly untilNs: number },
  heldNs: number,
): ReplicaTime {
  let replicaSeconds = 0;
  let seenS = 0;
  for (const [place, { atNs, replicas }] of samples.entries()) {
    const nextNs = samples[place + 1]?.atNs ?? Infinity;
    const fromNs = Math.max(atNs, stretch.fromNs);
    const untilNs = Math.min(nextNs, atNs + heldNs, stretch.untilNs);
    if (untilNs <= fromNs) continue;
    seenS += (untilNs - fromNs) / NS_PER_SECOND;
    replicaSeconds += (replicas * (untilNs - fromNs)) / NS_PER_SECOND;
  }
  return { replicaSeconds, seenS, average: seenS > 0 ? replicaSeconds / seenS : undefined };
}
