import type { Anchor } from "../../coordinator/search/tail/anchor.ts";
import type { Block, BlockClause } from "../../coordinator/search/tail/block.ts";
import type { ClauseModel } from "../../coordinator/search/tail/models.ts";
import { modelsOf } from "../../coordinator/search/tail/models.ts";
import { quantileClause } from "./virtual-queue.ts";

export const ANCHOR: Anchor = { ratePerSecond: 40, relativeSd: 0.025, isAtLeast: false, raised: 0 };

export function modelOf(metric: "ttft" | "itl", limitS: number): ClauseModel {
  const { clause, thresholds } = quantileClause(metric, 0.99, limitS);
  return modelsOf([clause], [thresholds])[0]!;
}

/** A block whose counts are exactly what is expected of them. */
export function blockAt(
  ratePerSecond: number,
  options: {
    readonly kind?: Block["kind"];
    readonly requests?: number;
    readonly fractions: readonly number[];
    readonly segment?: number;
    readonly startS?: number;
    readonly clumpFactor?: number;
  },
): Block {
  const { kind = "focus", requests = 900, fractions, segment = 1, startS = 0 } = options;
  const over = fractions.map((fraction) => fraction * requests);
  const sizes = options.clumpFactor === undefined ? over.map(() => 0) : over;
  const counts: BlockClause = {
    decided: over.map(() => requests),
    over,
    clumpSquares: sizes.map((size) => size * (options.clumpFactor ?? 0)),
    clumpSizes: sizes,
  };
  return {
    segment,
    kind,
    ratePerSecond,
    recordedS: 25,
    startS,
    fired: requests,
    firstTokensPerSecond: ratePerSecond,
    residenceS: 0.3,
    ttftMeanS: 0.3,
    e2eMeanS: 0.3,
    clauses: [counts],
  };
}
