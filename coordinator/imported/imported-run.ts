import type { MeasuredWindow } from "../compare/contender.ts";

/** What another tool's result file tells, in our terms. */
export interface Imported {
  /** "GuideLLM 0.7.3". */
  readonly tool: string;
  readonly model: string;
  /** At least one. */
  readonly windows: readonly ImportedWindow[];
  /** Sentences: what this file cannot say. */
  readonly limits: readonly string[];
}

export interface ImportedWindow extends MeasuredWindow {
  /** How the tool called it: "constant 4/s", "32 streams". */
  readonly load: string;
  readonly failedCount: number;
}

/** What none of them can say, whichever it is. */
export const LIMITS_OF_ALL = [
  "times count from when a request was sent, not from when it was due: what waited in a late generator is not in them",
  "nothing tells whether the generator kept to its plan, so no window is known to be valid",
  "it searched no maximum rate within an SLO, and has no interval",
] as const;
