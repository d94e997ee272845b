import type { Block } from "./block.ts";

/** The heavy-traffic factor weighs as much as this many exceedances. */
const PRIOR_WEIGHT = 20;
const FACTOR_MIN = 1.5;
const HEAVY_TRAFFIC_MAX = 80;
const FACTOR_MAX = 120;
/** Below this part of saturation clumps are too rare to be seen. */
const SEEN_FROM = 0.6;

/**
 * φ in heavy traffic at the part `r` of saturation: 1 + 2r / (1 − r)².
 *
 * The variance of the time that a queue near saturation spends above a level is that much larger than independent
 * requests would give it (the M/M/1 relaxation time in units of service).
 */
export function heavyTrafficFactor(r: number, max = HEAVY_TRAFFIC_MAX): number {
  return Math.max(FACTOR_MIN, Math.min(max, 1 + (2 * r) / Math.max(0.02, 1 - r) ** 2));
}

/**
 * φ_j of a clause's j-th threshold at the part `r` of saturation: (Σs² + 20 φ_ht) / (Σs + 20) over the clump sizes s
 * of all focus blocks.
 */
export function clumpFactorOf(
  { squares, sizes }: { readonly squares: number; readonly sizes: number },
  r: number,
): number {
  const heavy = heavyTrafficFactor(r);
  if (r < SEEN_FROM) return heavy;
  const pooled = (squares + PRIOR_WEIGHT * heavy) / (sizes + PRIOR_WEIGHT);
  return Math.max(FACTOR_MIN, Math.min(FACTOR_MAX, pooled));
}

/** Clump sums of a clause's j-th threshold over the focus blocks. */
export function pooledClumps(
  blocks: readonly Block[],
  clause: number,
  j: number,
): { readonly squares: number; readonly sizes: number } {
  let squares = 0;
  let sizes = 0;
  for (const block of blocks) {
    if (block.kind !== "focus") continue;
    squares += block.clauses[clause]?.clumpSquares[j] ?? 0;
    sizes += block.clauses[clause]?.clumpSizes[j] ?? 0;
  }
  return { squares, sizes };
}
