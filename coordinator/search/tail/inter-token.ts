import { fitLogistic, logistic, logit } from "../logistic.ts";
import type { Anchor } from "./anchor.ts";
import type { Block } from "./block.ts";
import type { SurfaceClause } from "./surface.ts";

/**
 * The fitted rise of an inter-token clause:
 * logit P(gap > u_j | λ) = g_j + s (λ/λ_s − 0.7), an intercept for each threshold and a slope in common.
 *
 * Step times of a batching server lie close together and have atoms, so nothing is assumed of the tail over
 * thresholds; what they share is how fast they rise with the load.
 */
export interface InterTokenFit {
  /** Of the limit. */
  readonly intercept: number;
  readonly slope: number;
  readonly anchor: Anchor;
}

const REFERENCE_PART = 0.7;
/** Priors: an intercept is −6 − 12 (u − 1) ± 3, the slope 15 ± 12. */
const INTERCEPT = { at: -6, perThreshold: -12, sd: 3 } as const;
const SLOPE = { at: 15, sd: 12 } as const;
const SLOPE_MIN = 3;
/** All streams of one engine step share a gap: 20 s are worth 400 observations, each a fifteenth of one of its own. */
const EFFECTIVE_PER_SECOND = 400 / 20;
const EFFECTIVE_DISPERSION = 15;
const RAMP_PART_MAX = 0.75;
const RAMP_WEIGHT = 0.5;
const HOT_FRACTION = 0.7;
const HOT_WEIGHT = 0.2;

export function fitInterToken(
  clause: SurfaceClause,
  blocks: readonly Block[],
  anchor: Anchor,
): InterTokenFit {
  const { thresholds, limitIndex } = clause;
  const rows = blocks.flatMap((block) => {
    const part = block.ratePerSecond / anchor.ratePerSecond;
    if (block.kind === "unloaded" || (block.kind === "ramp" && part > RAMP_PART_MAX)) return [];
    return thresholds.flatMap((_, j) => {
      const count = effectiveCount(clause, block, j);
      if (count === undefined) return [];
      const weight = count.total / Math.sqrt(thresholds.length);
      const over = count.over / Math.sqrt(thresholds.length);
      const x = [...thresholds.map((__, i) => (i === j ? 1 : 0)), part - REFERENCE_PART];
      return [{ x, over, total: weight }];
    });
  });
  const coefficients = fitLogistic(rows, {
    mean: [...thresholds.map((u) => INTERCEPT.at + INTERCEPT.perThreshold * (u - 1)), SLOPE.at],
    precision: [...thresholds.map(() => 1 / INTERCEPT.sd ** 2), 1 / SLOPE.sd ** 2],
  });
  return {
    intercept: coefficients[limitIndex] ?? 0,
    slope: Math.max(SLOPE_MIN, coefficients.at(-1) ?? SLOPE.at),
    anchor,
  };
}

/** The highest rate within ε; within 0.02 and 1.5 of saturation. */
export function interTokenRoot(fit: InterTokenFit, allowedFraction: number): number {
  const part = REFERENCE_PART + (logit(allowedFraction) - fit.intercept) / fit.slope;
  return fit.anchor.ratePerSecond * Math.max(0.02, Math.min(1.5, part));
}

export function interTokenAt(fit: InterTokenFit, ratePerSecond: number): number {
  const part = ratePerSecond / fit.anchor.ratePerSecond;
  return logistic(fit.intercept + fit.slope * (part - REFERENCE_PART));
}

/**
 * What a block's counts over the limit are worth by themselves.
 *
 * @param perResidence requests in flight share their steps: a time in system is worth this many independent ones at most.
 */
export function effectiveCounts(
  clause: SurfaceClause,
  block: Block,
  perResidence: number,
): readonly { ratePerSecond: number; over: number; total: number }[] {
  const count = effectiveCount(clause, block, clause.limitIndex);
  if (count === undefined) return [];
  const residences = block.recordedS / Math.max(block.residenceS ?? 0, 1e-3);
  const weight = Math.min(1, (perResidence * residences) / Math.max(count.total, 1e-9));
  const { ratePerSecond } = block;
  return [{ ratePerSecond, over: count.over * weight, total: count.total * weight }];
}

function effectiveCount(
  { index }: SurfaceClause,
  block: Block,
  j: number,
): { readonly over: number; readonly total: number } | undefined {
  const counted = block.clauses[index]?.decided[j] ?? 0;
  const over = block.clauses[index]?.over[j] ?? 0;
  if (counted <= 0) return undefined;
  const effective =
    Math.min(counted, EFFECTIVE_PER_SECOND * block.recordedS) / EFFECTIVE_DISPERSION;
  const ofKind = block.kind === "ramp" ? RAMP_WEIGHT : 1;
  const total = effective * ofKind * (over > HOT_FRACTION * counted ? HOT_WEIGHT : 1);
  return { over: (over / counted) * total, total };
}
