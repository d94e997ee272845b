import type { Verdict } from "../../shared/slo/slo.ts";
import type { Ratio } from "./ratio.ts";

/** What a comparison promises: that the candidate carries at least so many times what the baseline carries. */
export interface Gate {
  /** As it was asked for, and shown. */
  readonly text: string;
  readonly ratioMin: number;
}

/** Asked where nothing else is: the candidate carries no less. */
export const NO_LESS: Gate = { text: "carries at least as much", ratioMin: 1 };

/** `--no-worse-than`: a regression of up to this part is accepted (a test of non-inferiority). */
export function noWorseThan(fraction: number): Gate {
  const percent = Number((100 * fraction).toFixed(6));
  // Without binary dust: 1 − 0.05 is to be 0.95.
  return {
    text: `no more than ${percent} % worse`,
    ratioMin: Number((1 - fraction).toFixed(12)),
  };
}

/** `--at-least`: this many times what the baseline carries. */
export function atLeast(ratioMin: number): Gate {
  return { text: `at least ${ratioMin} times as much`, ratioMin };
}

/** Compares the interval, never the estimate, so that luck passes no gate. Its ends count as inside. */
export function judgeGate({ ratioMin }: Gate, ratio: Ratio): Verdict {
  if (ratio.low >= ratioMin) return "met";
  if (ratio.high !== null && ratio.high < ratioMin) return "violated";
  return "undecided";
}

/** One broken promise breaks all; otherwise what is undecided stays so. */
export function worstVerdict(verdicts: readonly Verdict[]): Verdict {
  if (verdicts.includes("violated")) return "violated";
  return verdicts.includes("undecided") ? "undecided" : "met";
}
