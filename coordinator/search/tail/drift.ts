import type { Block } from "./block.ts";
import { focusOf } from "./clause-estimate.ts";
import type { Estimate } from "./estimate.ts";

const BLOCKS_MIN = 6;
const T_MAX = 3;
/** What is left of it whichever block is taken out. */
const T_WITHOUT_MAX = 2;
const VARIANCE_MIN = 0.5;
const Z_MAX = 3;
const INVERSIONS_MIN = 2;

interface Residual {
  readonly block: Block;
  readonly over: number;
  readonly total: number;
  /** (over − expected) / its standard deviation, clumps included. */
  readonly z: number;
}

function residualsOf(blocks: readonly Block[], { binding }: Estimate): readonly Residual[] {
  const { index, limitIndex } = binding.model;
  return focusOf(blocks).flatMap((block) => {
    const total = block.clauses[index]?.decided[limitIndex] ?? 0;
    const over = block.clauses[index]?.over[limitIndex] ?? 0;
    if (total <= 0) return [];
    const fraction = Math.min(0.99, binding.overAt(block.ratePerSecond));
    const variance = binding.clumpFactor * total * fraction * (1 - fraction);
    return [
      { block, over, total, z: (over - total * fraction) / Math.sqrt(Math.max(1, variance)) },
    ];
  });
}

/**
 * Whether the service became slower or faster while it was measured: a straight line through the blocks' residuals
 * against time, whose slope lies more than three standard errors from nought, and not by a single block's doing.
 */
export function driftOf(blocks: readonly Block[], estimate: Estimate): string | undefined {
  const residuals = residualsOf(blocks, estimate);
  if (residuals.length < BLOCKS_MIN) return undefined;
  const points = residuals.map(({ block, z }) => ({ x: block.startS, y: z }));
  const t = slopeT(points);
  // One block out of line, such as a first one in which a backlog was left, is no drift.
  const without = points.map((point) => Math.abs(slopeT(points.filter((one) => one !== point))));
  if (Math.abs(t) <= T_MAX || Math.min(...without) <= T_WITHOUT_MAX) return undefined;
  const way = t > 0 ? "slower" : "faster";
  return `the service became ${way} while it was measured (t = ${t.toFixed(1)}): the answer is of the newer half of the blocks`;
}

/** Slope of a least-squares line over its standard error. */
function slopeT(points: readonly { readonly x: number; readonly y: number }[]): number {
  const mean = (of: "x" | "y"): number =>
    points.reduce((sum, point) => sum + point[of], 0) / points.length;
  const meanX = mean("x");
  const meanY = mean("y");
  const squaresX = points.reduce((sum, { x }) => sum + (x - meanX) ** 2, 0);
  const slope = points.reduce((sum, { x, y }) => sum + (x - meanX) * (y - meanY), 0) / squaresX;
  const squaresY = points.reduce(
    (sum, { x, y }) => sum + (y - meanY - slope * (x - meanX)) ** 2,
    0,
  );
  // Standardised residuals vary by about 1: that a few happen to lie on a line makes no drift of a small one.
  const variance = Math.max(VARIANCE_MIN, squaresY / (points.length - 2));
  return slope / Math.sqrt(variance / squaresX);
}

/** Everything but the older half of the focus blocks. */
export function newerHalf(blocks: readonly Block[]): readonly Block[] {
  const focus = focusOf(blocks);
  const old = focus.slice(0, Math.floor(focus.length / 2));
  return blocks.filter((block) => !old.includes(block));
}

/**
 * Whether the curve is not monotone: of blocks next to each other in rate, the faster one had significantly fewer over,
 * at least twice. The highest rate below the lowest one that failed is then the answer.
 */
export function inversionOf(
  blocks: readonly Block[],
  estimate: Estimate,
): { readonly ratePerSecond: number; readonly note: string } | undefined {
  const sorted = [...residualsOf(blocks, estimate)].sort(
    (a, b) => a.block.ratePerSecond - b.block.ratePerSecond,
  );
  const { allowedFraction } = estimate.binding.model;
  const inverted = sorted.filter((slower, i) => {
    const faster = sorted[i + 1];
    return faster !== undefined && isInverted(slower, faster, estimate.binding.clumpFactor);
  });
  if (inverted.length < INVERSIONS_MIN) return undefined;
  const failing = sorted.findIndex(({ over, total }) => over > allowedFraction * total);
  const below = sorted[failing - 1] ?? sorted[0];
  if (below === undefined) return undefined;
  return {
    ratePerSecond: below.block.ratePerSecond,
    note: "the curve is not monotone: higher rates did better than lower ones; the answer is the highest rate below the lowest one that failed",
  };
}

function isInverted(slower: Residual, faster: Residual, clumpFactor: number): boolean {
  const pooled = (slower.over + faster.over) / (slower.total + faster.total);
  const variance = clumpFactor * pooled * (1 - pooled) * (1 / slower.total + 1 / faster.total);
  const difference = slower.over / slower.total - faster.over / faster.total;
  return difference > Z_MAX * Math.sqrt(Math.max(variance, 1e-12));
}
