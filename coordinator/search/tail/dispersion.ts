import type { Block } from "./block.ts";
import { heavyTrafficFactor } from "./clump-factor.ts";

/** A clause's counts and what a fit expects of them. */
export interface Expectation {
  readonly clause: number;
  /** Thresholds by which dispersion may be seen. */
  readonly levels: readonly number[];
  /** Expected part over the `level`-th threshold at a rate. */
  readonly expected: (level: number, ratePerSecond: number) => number;
}

/** The heavy-traffic factor weighs as much as this many blocks. */
const PRIOR_BLOCKS = 2;
const HEAVY_TRAFFIC_MAX = 1_000;
const BLOCKS_MIN = 3;
const OVER_MIN = 20;
const FRACTION_MAX = 0.5;
/** Successive blocks are also taken together by two and by four: waves may be longer than a block. */
const TOGETHER = [1, 2, 4] as const;

/**
 * φ of the counts over the limit itself: the largest, over the thresholds, of the clumping within blocks (Σs² / Σs)
 * and of Pearson's X² between blocks, shrunk to the heavy-traffic factor with two degrees of freedom.
 *
 * @param part λ/λ_s near the answer.
 */
export function dispersionBetween(
  blocks: readonly Block[],
  { clause, levels, expected }: Expectation,
  part: number,
): number {
  const heavy = heavyTrafficFactor(part, HEAVY_TRAFFIC_MAX);
  const focus = blocks.filter(({ kind }) => kind === "focus");
  let largest = 1;
  for (const level of levels) {
    const counts = focus.map((block) => {
      const total = block.clauses[clause]?.decided[level] ?? 0;
      return {
        total,
        over: block.clauses[clause]?.over[level] ?? 0,
        expected: total * expected(level, block.ratePerSecond),
        squares: block.clauses[clause]?.clumpSquares[level] ?? 0,
        sizes: block.clauses[clause]?.clumpSizes[level] ?? 0,
      };
    });
    const sum = (valueOf: (count: (typeof counts)[number]) => number): number =>
      counts.reduce((total, count) => total + valueOf(count), 0);
    const over = sum((count) => count.over);
    if (over < OVER_MIN || counts.length < BLOCKS_MIN) continue;
    if (over > FRACTION_MAX * sum(({ total }) => total)) continue;
    const scale =
      over /
      Math.max(
        1e-9,
        sum((count) => count.expected),
      );
    const scaled = counts.map((count) => ({ over: count.over, expected: count.expected * scale }));
    const sizes = sum((count) => count.sizes);
    const within = sizes > 0 ? sum(({ squares }) => squares) / sizes : 0;
    largest = Math.max(largest, within, betweenOf(scaled, heavy));
  }
  return largest > 1 ? largest : heavy;
}

function betweenOf(
  counts: readonly { readonly over: number; readonly expected: number }[],
  heavy: number,
): number {
  let largest = 0;
  for (const together of TOGETHER) {
    const groups = Math.floor(counts.length / together);
    if (groups < BLOCKS_MIN) break;
    let pearson = 0;
    for (let g = 0; g < groups; g++) {
      const group = counts.slice(g * together, (g + 1) * together);
      const over = group.reduce((sum, count) => sum + count.over, 0);
      const expected = group.reduce((sum, count) => sum + count.expected, 0);
      pearson += (over - expected) ** 2 / Math.max(0.5, expected);
    }
    largest = Math.max(largest, (PRIOR_BLOCKS * heavy + pearson) / (PRIOR_BLOCKS + groups - 1));
  }
  return largest;
}
