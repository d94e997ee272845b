import type { Anchor } from "./anchor.ts";
import type { Block } from "./block.ts";
import type { ClauseModel } from "./models.ts";

/** What all fits of one decision share. */
export interface FitInput {
  readonly blocks: readonly Block[];
  readonly anchor: Anchor;
  /** Probability left out at each end of an interval. */
  readonly tail: number;
  /** Whether the spread between blocks is wanted: it takes a fit for each of them. */
  readonly thorough: boolean;
}

/** The highest rate by one clause alone. */
export interface ClauseEstimate {
  readonly model: ClauseModel;
  /** Infinity where nothing came near the clause's limit. */
  readonly ratePerSecond: number;
  readonly lowPerSecond: number;
  readonly highPerSecond: number;
  /** d logit P(over) / d(λ/λ*) near the answer. */
  readonly slope: number;
  /** φ of the counts over the limit. */
  readonly clumpFactor: number;
  /** S0 at the limit; 0 where the model has none. */
  readonly floor: number;
  /** Fitted part over the limit at a rate; it is ε at `ratePerSecond`. */
  readonly overAt: (ratePerSecond: number) => number;
}

export function focusOf(blocks: readonly Block[]): readonly Block[] {
  return blocks.filter(({ kind }) => kind === "focus");
}

/** The blocks without the i-th focus block. */
export function withoutFocus(blocks: readonly Block[], i: number): readonly Block[] {
  const left = focusOf(blocks)[i];
  return blocks.filter((block) => block !== left);
}
