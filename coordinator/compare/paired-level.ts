import type { Ratio } from "./ratio.ts";

/** What either endpoint is measured by: the mean of a time at a rate, or what closed streams complete. */
export type PairedFigure = "ttft" | "itl" | "e2e" | "completed";

/** One load, held on two endpoints in turn. */
export interface PairedLevel {
  readonly mode: "open" | "serial" | "closed" | "backlog" | "idle";
  /** Of an open load; null for the others. */
  readonly requestsPerSecond: number | null;
  /** Of a closed one; null for the others. */
  readonly streams: number | null;
  readonly figure: PairedFigure;
  /** Whose ratio is known. */
  readonly pairs: number;
  /** Those that do not count: a window was spoilt, or its requests failed. */
  readonly leftOut: number;
  /** Geometric means over the pairs that count, ms or requests/s; null without any. */
  readonly target: number | null;
  readonly against: number | null;
  /** How many times as fast, or as much, the other endpoint is; above 1 it is better. Null with fewer than four pairs. */
  readonly ratio: Ratio | null;
  readonly minimumDetectableRatio: number | null;
  /** Why there is no ratio; empty where there is one. */
  readonly reason: string;
}
