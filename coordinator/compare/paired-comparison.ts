import { ExitCode } from "../../shared/errors.ts";
import type { Verdict } from "../../shared/slo/slo.ts";
import type { AgainstView, Result } from "../show/result.ts";
import { EXIT_CODES } from "./comparison.ts";
import { type Gate, judgeGate, NO_LESS, worstVerdict } from "./gate.ts";
import type { PairedLevel } from "./paired-level.ts";

/** Two endpoints of one run, judged: what `compare RUN --json` prints, schema "loadline/paired-comparison@1". */
export interface PairedComparison {
  readonly schema: "loadline/paired-comparison@1";
  readonly loadline: string;
  /** Of all gates at all loads. */
  readonly verdict: Verdict;
  readonly exitCode: ExitCode;
  readonly confidence: number;
  readonly target: Result["target"];
  readonly against: Pick<AgainstView, "url" | "model">;
  readonly levels: readonly JudgedLevel[];
  readonly warnings: readonly string[];
}

export interface JudgedLevel extends PairedLevel {
  readonly verdict: Verdict;
  readonly gates: readonly (Gate & { readonly verdict: Verdict })[];
}

/** @param gates empty: that the other endpoint is no worse. */
export function comparePaired(
  { target, validity }: Pick<Result, "target" | "validity">,
  options: {
    readonly against: AgainstView;
    readonly gates: readonly Gate[];
    readonly loadline: string;
  },
): PairedComparison {
  const { against, loadline } = options;
  const gates = options.gates.length > 0 ? options.gates : [NO_LESS];
  const levels = against.levels.map((level) => judgedLevel(level, gates));
  const verdict =
    levels.length === 0 ? "undecided" : worstVerdict(levels.map((each) => each.verdict));
  return {
    schema: "loadline/paired-comparison@1",
    loadline,
    verdict,
    exitCode: EXIT_CODES[verdict],
    confidence: against.confidence,
    target,
    against: { url: against.url, model: against.model },
    levels,
    // Invalid windows are left out with their pairs; why is said all the same.
    warnings: validity.reasons,
  };
}

function judgedLevel(level: PairedLevel, gates: readonly Gate[]): JudgedLevel {
  const { ratio } = level;
  const judged = gates.map((gate) => ({
    ...gate,
    verdict: ratio === null ? ("undecided" as const) : judgeGate(gate, ratio),
  }));
  return { ...level, gates: judged, verdict: worstVerdict(judged.map(({ verdict }) => verdict)) };
}
