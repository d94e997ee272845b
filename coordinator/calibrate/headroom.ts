/** From a change of the load to replicas that carry it, part by part, s. */
export interface ReactionDelay {
  /** Between two scrapes of the metric. */
  readonly scrapeS: number;
  /** Between two looks of the autoscaler's adapter (KEDA's `pollingInterval`). */
  readonly pollS: number;
  /** Between two decisions; 15 s unless the cluster's controller manager says otherwise. */
  readonly periodS: number;
  /** `scaleUp.stabilizationWindowSeconds`. */
  readonly stabilisationS: number;
  /** p90 of the time until a node is there; 0 where nodes are. */
  readonly provisioningS: number;
  /** p90 of the time from the pod's start until it is ready: image, weights, warm-up. */
  readonly startupS: number;
}

/** All parts, each at its worst: what has just been missed is seen a whole interval later. */
export function reactionDelayS(delay: ReactionDelay): number {
  const { scrapeS, pollS, periodS, stabilisationS, provisioningS, startupS } = delay;
  return scrapeS + pollS + periodS + stabilisationS + provisioningS + startupS;
}

/**
 * The part of the maximum rate to plan for, h = 1 / (1 + γ D): a load that grows by the part γ of itself a second then
 * reaches the maximum rate just when the replicas that it asked for are ready.
 *
 * @param growthPerSecond γ, at least 0. @param delayS D, at least 0.
 */
export function headroomFraction(growthPerSecond: number, delayS: number): number {
  return 1 / (1 + growthPerSecond * delayS);
}
