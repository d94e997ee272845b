import type { Verdict } from "../../shared/slo/slo.ts";

/** What a fleet with its autoscaler on did in a ramp. */
export interface FleetMeasured {
  /** Of the run's SLO, over the whole ramp. */
  readonly slo: Verdict;
  /** The part of all requests that were within the SLO's limits, 0…1. */
  readonly attainment: number;
  /** Over the seen part; undefined where no replica was ever seen. */
  readonly averageReplicas: number | undefined;
  /** The part of the ramp in which the replicas were seen, 0…1. */
  readonly seenFraction: number;
  /** Whether the load ever asked for more replicas than served at the start. */
  readonly isGrowthAsked: boolean;
  /** Whether there were as many as it asked for, at a time when those were more than at the start. */
  readonly isGrowthSeen: boolean;
  /** The longest shortage, as far as replicas were looked at; where it had not ended, so far. Undefined where there was none. */
  readonly longestLag: { readonly lagS: number; readonly hasEnded: boolean } | undefined;
  /** The longest that a shortage may have been, with what was not looked at; undefined where there was none. */
  readonly possibleLag: { readonly lagS: number; readonly unseenS: number } | undefined;
}

/** What the calibration promised of the same ramp. */
export interface FleetPromised {
  /** D, s. */
  readonly delayS: number;
  /** Replicas at the planned rate, averaged over the ramp, above 0. */
  readonly averageReplicas: number;
  /** By which the lag may be misread, s: a scrape, or the look-up of a name. */
  readonly lagErrorS: number;
}

export interface Verification {
  readonly verdict: Verdict;
  /** Attainment × average replicas: the design's score. Undefined where no replica was seen. */
  readonly score: number | undefined;
  /** Sentences: of the verdict, or of each promise that was not kept. */
  readonly reasons: readonly string[];
}

/** Half the promise again is more than an autoscaler's tolerance and its slow way down explain. */
const COST_LIMIT = 1.5;
const SEEN_LEAST = 0.9;

/**
 * Judges a ramp against what the calibration promised: the SLO held, replicas came within D, and the fleet was not
 * bought larger than planned. A broken promise outranks what could not be seen.
 */
export function verify(measured: FleetMeasured, promised: FleetPromised): Verification {
  const { attainment, averageReplicas } = measured;
  const broken = brokenPromises(measured, promised);
  const unseen = missingEvidence(measured, promised);
  const score = averageReplicas === undefined ? undefined : attainment * averageReplicas;
  if (broken.length > 0) return { verdict: "violated", score, reasons: broken };
  if (unseen.length > 0) return { verdict: "undecided", score, reasons: unseen };
  return { verdict: "met", score, reasons: ["the SLO held, and replicas came as planned"] };
}

function brokenPromises(measured: FleetMeasured, promised: FleetPromised): readonly string[] {
  const { slo, longestLag, averageReplicas } = measured;
  const reasons: string[] = [];
  if (slo === "violated") reasons.push("the SLO does not hold over the ramp");
  if (longestLag !== undefined && isLate(longestLag, promised))
    reasons.push(
      `replicas were missing for ${longestLag.hasEnded ? "" : "at least "}${longestLag.lagS.toFixed(0)} s; ` +
        `the calibration assumed ${promised.delayS.toFixed(0)} s`,
    );
  if (isSeen(measured) && (averageReplicas ?? 0) > COST_LIMIT * promised.averageReplicas)
    reasons.push(
      `${(averageReplicas ?? 0).toFixed(1)} replicas on average; planned were ${promised.averageReplicas.toFixed(1)}`,
    );
  return reasons;
}

function missingEvidence(measured: FleetMeasured, promised: FleetPromised): readonly string[] {
  const { slo, longestLag, seenFraction, isGrowthAsked, isGrowthSeen } = measured;
  const reasons: string[] = [];
  if (slo === "undecided") reasons.push("too few requests to decide the SLO");
  if (!isSeen(measured))
    reasons.push(`the replicas were seen in ${(100 * seenFraction).toFixed(0)} % of the ramp only`);
  const { possibleLag } = measured;
  if (possibleLag !== undefined && isLate(possibleLag, promised))
    reasons.push(
      `replicas may have been missing for up to ${possibleLag.lagS.toFixed(0)} s, and were not looked at for ` +
        `${possibleLag.unseenS.toFixed(0)} s of it`,
    );
  if (!isGrowthAsked) reasons.push("the load never asked for another replica: raise it");
  // A ramp that rises to its end may end within the last of several.
  if (longestLag?.hasEnded === false && !isGrowthSeen)
    reasons.push(
      `the ramp ended ${longestLag.lagS.toFixed(0)} s into a shortage, before ${promised.delayS.toFixed(0)} s had passed`,
    );
  return reasons;
}

function isLate({ lagS }: { readonly lagS: number }, promised: FleetPromised): boolean {
  return lagS > promised.delayS + promised.lagErrorS;
}

function isSeen({ seenFraction, averageReplicas }: FleetMeasured): boolean {
  return averageReplicas !== undefined && seenFraction >= SEEN_LEAST;
}
