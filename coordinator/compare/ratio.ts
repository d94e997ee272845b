import { assert } from "../../shared/assert.ts";
import { normalQuantile } from "./normal.ts";

/** A rate with its interval, requests/s; `high` null means "at least", `low` 0 that nothing is known from below. */
export interface RateInterval {
  readonly value: number;
  readonly low: number;
  readonly high: number | null;
}

/** How many times the one rate is the other; `low` 0 and `high` null where that side is not bounded. */
export interface Ratio {
  readonly value: number;
  readonly low: number;
  readonly high: number | null;
}

/**
 * The ratio of two maximum rates with its interval, from the intervals of the two searches.
 *
 * On the log scale the ratio is a difference of two independent estimates, ln C − ln B, and each end of its interval
 * is as far away as the two ends that push it there are from their own estimates, squared and added:
 *
 *     ln low  = ln C − ln B − √((ln C − ln C_low)² + (ln B_high − ln B)²)
 *     ln high = ln C − ln B + √((ln C_high − ln C)² + (ln B − ln B_low)²)
 *
 * It keeps the level of the two intervals, and their asymmetry. What both searches get wrong in the same way (the
 * model of the tail, the workload) cancels, so that it errs to the wide side.
 *
 * @see Newcombe (1998), Statistics in Medicine 17, 873–890 (method 10, "square and add"); Zou and Donner (2008),
 * Statistics in Medicine 27, 1693–1702 (MOVER), whose §4 takes logs for ratios.
 */
export function ratioOf(candidate: RateInterval, baseline: RateInterval): Ratio {
  assert(baseline.value > 0 && candidate.value > 0, "a maximum rate is above 0");
  const centre = Math.log(candidate.value / baseline.value);
  const down = Math.hypot(below(candidate), above(baseline));
  const up = Math.hypot(above(candidate), below(baseline));
  return {
    value: Math.exp(centre),
    low: Math.exp(centre - down),
    high: Number.isFinite(up) ? Math.exp(centre + up) : null,
  };
}

/** How far the lower end is from the estimate, on the log scale; infinite where there is none. */
function below({ value, low }: RateInterval): number {
  return low > 0 ? Math.max(0, Math.log(value / low)) : Infinity;
}

function above({ value, high }: RateInterval): number {
  return high === null ? Infinity : Math.max(0, Math.log(high / value));
}

/** Of comparisons in which there is a difference of the detectable size, this part finds it. */
const DETECTION_POWER = 0.8;

/**
 * The smallest ratio above 1 that two such searches would tell from 1 in four of five comparisons: e to the power of
 * (z of the confidence + z of the power) standard errors of the log-ratio, its standard error read off the interval.
 * Undefined where the interval is open.
 *
 * @see Bloom (1995), Minimum Detectable Effects, Evaluation Review 19(5), 547–556.
 */
export function minimumDetectableRatio(ratio: Ratio, confidence: number): number | undefined {
  if (ratio.high === null || ratio.low <= 0) return undefined;
  const z = normalQuantile((1 + confidence) / 2);
  const standardError = Math.log(ratio.high / ratio.low) / (2 * z);
  return Math.exp((z + normalQuantile(DETECTION_POWER)) * standardError);
}
