import { CommanderError } from "commander";
import { ExitCode, LoadError } from "../shared/errors.ts";

/** Says on standard error what was asked, what is true and what to do; returns what the process ends with. */
export function explainFailure(error: unknown): ExitCode {
  if (error instanceof LoadError) {
    process.stderr.write(
      `loadline: ${error.message}\n  to do: ${error.hint}\n  code: ${error.code} (docs/errors.md)\n`,
    );
    return error.exitCode;
  }
  // Commander has written its own message by then.
  if (error instanceof CommanderError)
    return error.exitCode === 0 ? ExitCode.Done : ExitCode.PlanInvalid;
  const detail = error instanceof Error ? (error.stack ?? error.message) : String(error);
  process.stderr.write(`loadline: unexpected error, a bug: please report it\n${detail}\n`);
  return ExitCode.Unexpected;
}
