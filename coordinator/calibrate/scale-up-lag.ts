import { TOLERANCE } from "./autoscaler.ts";
import type { ReplicaSample } from "./replica-time.ts";

/** A time in which fewer replicas served than the load asks for. */
export interface Shortage {
  readonly fromNs: number;
  /** When they were there, or the load was gone; undefined where the run ended first. */
  readonly untilNs: number | undefined;
}

/** From here on the load asks for so many replicas. */
export interface ReplicaNeed {
  readonly atNs: number;
  readonly replicas: number;
}

/**
 * The replicas that a rate asks for: as many as keep each at its planned rate, within the autoscaler's bounds. Nothing
 * is asked for within the tolerance, in which an autoscaler does nothing.
 *
 * @param plannedPerSecond h λ*, of one replica, above 0: D counts from there, not from λ*, which the headroom keeps away.
 */
export function replicasNeeded(
  ratePerSecond: number,
  plannedPerSecond: number,
  bounds: { readonly min: number; readonly max: number },
): number {
  return Math.min(
    bounds.max,
    Math.max(bounds.min, Math.ceil(ratePerSecond / (plannedPerSecond * (1 + TOLERANCE)))),
  );
}

/**
 * Every shortage, in the order of time. A load that rises further while replicas are missing prolongs one shortage; it
 * does not begin another. Nothing is said of the time before the first sample.
 *
 * @param needs In the order of time. @param samples In the order of time.
 */
export function shortagesOf(
  needs: readonly ReplicaNeed[],
  samples: readonly ReplicaSample[],
): readonly Shortage[] {
  const shortages: Shortage[] = [];
  let sinceNs: number | undefined;
  for (const atNs of instantsOf(needs, samples)) {
    const needed = lastAt(needs, atNs);
    const seen = lastAt(samples, atNs);
    const isShort = needed !== undefined && seen !== undefined && seen < needed;
    if (isShort) sinceNs ??= atNs;
    else if (sinceNs !== undefined) {
      shortages.push({ fromNs: sinceNs, untilNs: atNs });
      sinceNs = undefined;
    }
  }
  return sinceNs === undefined
    ? shortages
    : [...shortages, { fromNs: sinceNs, untilNs: undefined }];
}

function instantsOf(
  needs: readonly ReplicaNeed[],
  samples: readonly ReplicaSample[],
): readonly number[] {
  return [...new Set([...needs, ...samples].map(({ atNs }) => atNs))].sort((a, b) => a - b);
}

function lastAt(steps: readonly ReplicaNeed[], atNs: number): number | undefined {
  return steps.findLast((step) => step.atNs <= atNs)?.replicas;
}
