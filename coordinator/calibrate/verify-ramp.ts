import { NS_PER_SECOND } from "../../shared/units.ts";
import { replicasNeeded, type ReplicaNeed } from "./scale-up-lag.ts";

/** The load that an autoscaler is verified with: it rises in a straight line. Rates are requests/s of the whole fleet. */
export interface VerifyRamp {
  /** Above 0. */
  readonly fromPerSecond: number;
  /** Above `fromPerSecond`. */
  readonly toPerSecond: number;
  readonly durationS: number;
}

/** What decides how many replicas a rate asks for. */
export interface ReplicaPlan {
  /** h λ*, of one replica. */
  readonly plannedPerSecond: number;
  readonly minReplicas: number;
  readonly maxReplicas: number;
}

/** As long as it takes to rise from the one rate to the other with `growthPerSecond`, the part of itself, at the start. */
export function rampDurationS(
  { fromPerSecond, toPerSecond }: Pick<VerifyRamp, "fromPerSecond" | "toPerSecond">,
  growthPerSecond: number,
): number {
  return (toPerSecond - fromPerSecond) / (fromPerSecond * growthPerSecond);
}

/** @param atS from the ramp's start. */
export function rampRateAt(ramp: VerifyRamp, atS: number): number {
  const { fromPerSecond, toPerSecond, durationS } = ramp;
  return fromPerSecond + ((toPerSecond - fromPerSecond) * atS) / durationS;
}

/** When a ramp begins to ask for more replicas, from its start on. @param startNs run clock. */
export function needsOf(ramp: VerifyRamp, plan: ReplicaPlan, startNs: number): ReplicaNeed[] {
  const bounds = { min: plan.minReplicas, max: plan.maxReplicas };
  const neededAt = (atS: number): number =>
    replicasNeeded(rampRateAt(ramp, atS), plan.plannedPerSecond, bounds);
  const needs: ReplicaNeed[] = [{ atNs: startNs, replicas: neededAt(0) }];
  const last = neededAt(ramp.durationS);
  for (let replicas = neededAt(0) + 1; replicas <= last; replicas += 1)
    needs.push({
      atNs: startNs + firstS(ramp, (atS) => neededAt(atS) >= replicas) * NS_PER_SECOND,
      replicas,
    });
  return needs;
}

/** Replicas that a ramp asks for, averaged over it. */
export function plannedReplicas(ramp: VerifyRamp, plan: ReplicaPlan): number {
  const needs = needsOf(ramp, plan, 0);
  const untilNs = ramp.durationS * NS_PER_SECOND;
  const replicaNs = needs.reduce(
    (sum, { atNs, replicas }, place) =>
      sum + replicas * ((needs[place + 1]?.atNs ?? untilNs) - atNs),
    0,
  );
  return replicaNs / untilNs;
}

/** The first instant, to a ms, at which something holds that then goes on to hold; it holds at the end. */
function firstS({ durationS }: VerifyRamp, holds: (atS: number) => boolean): number {
  let before = 0;
  let after = durationS;
  while (after - before > 1e-3) {
    const middle = (before + after) / 2;
    if (holds(middle)) after = middle;
    else before = middle;
  }
  return after;
}
