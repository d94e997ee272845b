import { ExitCode, LoadError } from "../../shared/errors.ts";

/** One line of CSV that says something. */
export interface DataLine {
  /** Of the file, from 1. */
  readonly number: number;
  readonly cells: readonly string[];
}

/** Without empty lines and comments (`#`). */
export function dataLinesOf(text: string): readonly DataLine[] {
  return text.split(/\r?\n/).flatMap((raw, index): DataLine[] => {
    const line = raw.trim();
    if (line === "" || line.startsWith("#")) return [];
    return [{ number: index + 1, cells: line.split(",").map((cell) => cell.trim()) }];
  });
}

const PROBLEMS_MAX = 5;

/** @param problems at least one. */
export function forecastInvalid(place: string, problems: readonly string[]): LoadError {
  const shown = problems.slice(0, PROBLEMS_MAX).join("; ");
  const more = problems.length - PROBLEMS_MAX;
  return new LoadError(`${place} is no forecast: ${shown}${more > 0 ? `; and ${more} more` : ""}`, {
    code: "LL_FORECAST_INVALID",
    hint: "give CSV with the head time,requests_per_second (and prompt_tokens_per_second,output_tokens_per_second), in order and without holes, such as 08:00,120",
    exitCode: ExitCode.PlanInvalid,
  });
}
