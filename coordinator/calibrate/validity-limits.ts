import { lengthsText } from "../show/facts.ts";
import { sloText } from "../show/headline.ts";
import type { Result } from "../show/result.ts";
import type { ValidityLimits } from "./files/emitted-file.ts";

const UNKNOWN = "not stated";

/** What the calibration of a run holds for. */
export function limitsOf(
  result: Result,
  stated: { readonly hardware: string | undefined; readonly engine: string | undefined },
): ValidityLimits {
  const { classes } = result.workload;
  const lengths = (
    of: (each: (typeof classes)[number]) => Parameters<typeof lengthsText>[0],
  ): string =>
    classes
      .map((each) => (classes.length === 1 ? "" : `${each.name}: `) + lengthsText(of(each)))
      .join("; ");
  return {
    loadline: result.loadline,
    run: result.name,
    measuredAt: result.startedAt,
    slo: sloText(result),
    promptTokens: lengths((each) => each.promptTokens),
    outputTokens: lengths((each) => each.outputTokens),
    prefix: "prompts are unique: no hits in a prefix cache",
    engine: stated.engine ?? result.server?.engine ?? UNKNOWN,
    hardware: stated.hardware ?? UNKNOWN,
  };
}
