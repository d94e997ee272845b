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
  if (error instanceof CommanderError) return explainUsage(error);
  const detail = error instanceof Error ? (error.stack ?? error.message) : String(error);
  process.stderr.write(`loadline: unexpected error, a bug: please report it\n${detail}\n`);
  return ExitCode.Unexpected;
}

/** Commander has written its own message by then: the help that was asked for, or what it could not read. */
function explainUsage({ code, exitCode }: CommanderError): ExitCode {
  if (exitCode === 0) return ExitCode.Done;
  if (code !== "commander.help")
    process.stderr.write(
      "  to do: see loadline --help, or --help after the command\n  code: LL_FLAG_INVALID (docs/errors.md)\n",
    );
  return ExitCode.PlanInvalid;
}
