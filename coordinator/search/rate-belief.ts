import { bracketOf, type Probe } from "./bisect-state.ts";

/** Where the highest rate within the SLO probably lies: a guide to the next probe and the point of the answer. */
export interface RateBelief {
  readonly ratePerSecond: number;
  /** Standard deviation of ln(rate). */
  readonly logSd: number;
}

export interface BeliefInput {
  readonly probes: readonly Probe[];
  readonly saturationPerSecond: number | null;
  /** Highest rate that the ramp passed without a violation. */
  readonly rampPerSecond: number | null;
  /** Taken when nothing else is known. */
  readonly ratePerSecond: number;
}

/** ln(fraction over) rises by this much with ln(rate) near the limit: 12 to 35 in queues and batching servers. */
const SLOPES = [8, 12, 18, 27, 40];
/** Highest rates within an SLO lie at 0.6 to 0.97 of saturation. */
const OF_SATURATION = 0.85;
const OF_SATURATION_LOG_SD = 0.15;
/** A rate the ramp passed is not far above the answer, and one it did not pass not far below. */
const RAMP_LOG_SD = 0.35;
/** Added to a fitted tail's standard error: the line's own. */
const MODEL_SD = 0.3;
/** A verdict without a fitted tail draws its line this softly, in ln(rate). */
const VERDICT_LOG_SD = 0.04;
const GRID = 141;
const SPAN_DOWN = Math.log(5);

/**
 * Posterior mean of ln(λ*) on a grid.
 *
 * Each fitted tail says ln(fraction over ÷ allowed) = slope × ln(rate ÷ λ*) within its error; each other verdict says
 * on which side λ* lies; saturation and the ramp are the prior. It only chooses rates and the point inside the
 * interval: the interval itself rests on verdicts alone.
 */
export function beliefOf(input: BeliefInput): RateBelief {
  const { low, high } = bracketOf(input.probes);
  const top = Math.log(high?.ratePerSecond ?? 2 * highestTried(input));
  const bottom = Math.log(low?.ratePerSecond ?? Math.exp(top - SPAN_DOWN));
  const grid = Array.from({ length: GRID }, (_, i) => bottom + ((top - bottom) * (i + 0.5)) / GRID);
  const logWeights = grid.map((logRate) => logPosterior(logRate, input));
  const largest = Math.max(...logWeights);
  const weights = logWeights.map((logWeight) => Math.exp(logWeight - largest));
  const total = weights.reduce((sum, weight) => sum + weight, 0);
  const mean = grid.reduce((sum, x, i) => sum + (x * (weights[i] ?? 0)) / total, 0);
  const variance = grid.reduce(
    (sum, x, i) => sum + ((x - mean) ** 2 * (weights[i] ?? 0)) / total,
    0,
  );
  return { ratePerSecond: Math.exp(mean), logSd: Math.sqrt(variance) };
}

function highestTried({ probes, rampPerSecond, ratePerSecond }: BeliefInput): number {
  return Math.max(rampPerSecond ?? ratePerSecond, ...probes.map((probe) => probe.ratePerSecond));
}

function logPosterior(logRate: number, input: BeliefInput): number {
  const tails = SLOPES.map((slope) =>
    input.probes.reduce((sum, probe) => sum + logTail(probe, slope, logRate), 0),
  );
  const best = Math.max(...tails);
  const overSlopes = best + Math.log(tails.reduce((sum, tail) => sum + Math.exp(tail - best), 0));
  const verdicts = input.probes.reduce((sum, probe) => sum + logSide(probe, logRate), 0);
  return logPrior(logRate, input) + overSlopes + verdicts;
}

function logPrior(logRate: number, { saturationPerSecond, rampPerSecond }: BeliefInput): number {
  if (saturationPerSecond !== null) {
    const centre = Math.log(OF_SATURATION * saturationPerSecond);
    return -0.5 * ((logRate - centre) / OF_SATURATION_LOG_SD) ** 2;
  }
  if (rampPerSecond === null) return 0;
  return -0.5 * ((logRate - Math.log(rampPerSecond)) / RAMP_LOG_SD) ** 2;
}

function logTail(probe: Probe, slope: number, logRate: number): number {
  if (probe.logExcess === null || probe.standardError === null) return 0;
  const expected = slope * (Math.log(probe.ratePerSecond) - logRate);
  const variance = probe.standardError ** 2 + MODEL_SD ** 2;
  return (-0.5 * (probe.logExcess - expected) ** 2) / variance;
}

function logSide(probe: Probe, logRate: number): number {
  if (probe.logExcess !== null || probe.verdict === "undecided") return 0;
  const side = probe.verdict === "violated" ? 1 : -1;
  const distance = (side * (Math.log(probe.ratePerSecond) - logRate)) / VERDICT_LOG_SD;
  return -Math.log1p(Math.exp(-1.7 * distance));
}
