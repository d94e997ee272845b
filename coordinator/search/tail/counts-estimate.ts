import { fitLogistic, logistic, logit } from "../logistic.ts";
import type { Block } from "./block.ts";
import type { ClauseEstimate, FitInput } from "./clause-estimate.ts";
import { correctDirectly } from "./direct-correction.ts";
import { dispersionBetween } from "./dispersion.ts";
import type { ClauseModel } from "./models.ts";

/** Logistic rise over λ/λ_s that centres the grid: from below ε, at a slope known within a factor of two. */
const REFERENCE_PART = 0.8;
const PRIOR_BELOW_LOGITS = 2;
const PRIOR_SD = [4, 10] as const;
const PRIOR_SLOPE = 15;
const SLOPE_MIN = 3;
/** The counts alone say where the rate lies, so what is believed before them is wide. */
const LOG_SD = 0.5;
const LOG_REACH = 1.2;
/** Where even the highest rate seen stays this far below ε, nothing came near the limit. */
const NEAR_FRACTION = 1 / 3;
const ROOT_PART_MIN = 0.2;
const ROOT_PART_MAX = 1.3;

/**
 * The highest rate by a clause that no model of a tail describes: counts at its own threshold, their dispersion between
 * blocks, and a grid over ln(rate) with a wide prior. Wider than the other estimates, and labelled so.
 */
export function estimateByCounts(model: ClauseModel, input: FitInput): ClauseEstimate {
  const { anchor, tail } = input;
  const loaded = input.blocks.filter(({ kind }) => kind !== "unloaded");
  const fit = logisticFit(model, loaded, anchor.ratePerSecond);
  const highest = Math.max(0, ...loaded.map(({ ratePerSecond }) => ratePerSecond));
  const anyOver = loaded.some((block) => overOf(model, block) > 0);
  if (!anyOver || fit.at(highest) < NEAR_FRACTION * model.allowedFraction) {
    return unreached(model, fit.at);
  }
  const part = Math.max(ROOT_PART_MIN, Math.min(ROOT_PART_MAX, fit.rootPart));
  const clumpFactor = dispersionBetween(
    loaded.map((block) => ({ ...block, kind: "focus" as const })),
    { clause: model.index, levels: [model.limitIndex], expected: (_, rate) => fit.at(rate) },
    Math.min(0.8, part),
  );
  const slope = Math.max(SLOPE_MIN, fit.slope * part);
  const posterior = correctDirectly(
    {
      ratePerSecond: part * anchor.ratePerSecond,
      logSd: LOG_SD,
      slope,
      rateMaxPerSecond: Infinity,
      logReach: LOG_REACH,
    },
    loaded.map((block) => ({
      ratePerSecond: block.ratePerSecond,
      over: overOf(model, block) / clumpFactor,
      total: totalOf(model, block) / clumpFactor,
    })),
    { allowedFraction: model.allowedFraction, tail },
  );
  const { ratePerSecond } = posterior;
  return {
    model,
    ratePerSecond,
    lowPerSecond: posterior.lowPerSecond,
    highPerSecond: posterior.highPerSecond,
    slope,
    clumpFactor,
    floor: 0,
    overAt: (rate) => logistic(logit(model.allowedFraction) + slope * (rate / ratePerSecond - 1)),
  };
}

function unreached(model: ClauseModel, overAt: (rate: number) => number): ClauseEstimate {
  return {
    model,
    ratePerSecond: Infinity,
    lowPerSecond: Infinity,
    highPerSecond: Infinity,
    slope: PRIOR_SLOPE,
    clumpFactor: 1,
    floor: 0,
    overAt,
  };
}

function overOf(model: ClauseModel, block: Block): number {
  return block.clauses[model.index]?.over[model.limitIndex] ?? 0;
}

function totalOf(model: ClauseModel, block: Block): number {
  return block.clauses[model.index]?.decided[model.limitIndex] ?? 0;
}

/** A first, plain fit: logit P(over) = a + s (λ/λ_s − 0.8). */
function logisticFit(
  model: ClauseModel,
  blocks: readonly Block[],
  saturationPerSecond: number,
): {
  readonly at: (ratePerSecond: number) => number;
  readonly slope: number;
  readonly rootPart: number;
} {
  const rows = blocks.map((block) => ({
    x: [1, block.ratePerSecond / saturationPerSecond - REFERENCE_PART],
    over: overOf(model, block),
    total: totalOf(model, block),
  }));
  const logitAllowed = logit(model.allowedFraction);
  const [intercept = 0, fitted = PRIOR_SLOPE] = fitLogistic(rows, {
    mean: [logitAllowed - PRIOR_BELOW_LOGITS, PRIOR_SLOPE],
    precision: PRIOR_SD.map((sd) => 1 / sd ** 2),
  });
  const slope = Math.max(SLOPE_MIN, fitted);
  return {
    at: (rate) => logistic(intercept + slope * (rate / saturationPerSecond - REFERENCE_PART)),
    slope,
    rootPart: REFERENCE_PART + (logitAllowed - intercept) / slope,
  };
}
