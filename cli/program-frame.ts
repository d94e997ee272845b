import { Command } from "commander";
import { readVersion } from "./version.ts";

/** What every command stands in. */
export function openProgram(): Command {
  return (
    new Command("loadline")
      .description("finds the highest request rate a served LLM carries within its SLO")
      .version(readVersion())
      .exitOverride()
      // A flag behind a command is that command's: `calibrate simulate --out` is not `calibrate --out`.
      .enablePositionalOptions()
      .showSuggestionAfterError()
      .configureHelp({ showGlobalOptions: true })
  );
}

/** Once all commands are added. */
export function closeProgram(program: Command): Command {
  for (const command of program.commands) command.exitOverride();
  return program;
}
