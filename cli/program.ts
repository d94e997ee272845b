import { Command } from "commander";
import { addAgentCommand } from "./agent.ts";
import { addCompareCommand } from "./compare.ts";
import { addCalibrateCommand } from "./calibrate.ts";
import { addFleetCommand } from "./fleet.ts";
import { measure } from "./measure.ts";
import { addNotYetCommands } from "./not-yet.ts";
import { addFindFlags, addRunFlags, addSweepFlags } from "./plan-flags.ts";
import { addPreflightCommand } from "./preflight.ts";
import { addReportCommand } from "./report.ts";
import { addRescoreCommand } from "./rescore.ts";
import { addResumeCommand } from "./resume.ts";
import { addSizeCommand } from "./size.ts";
import { addSimulateServerCommand } from "./simulate-server.ts";
import { readVersion } from "./version.ts";

/** The command line: one file a command, named as users type it. */
export function buildProgram(): Command {
  const program = new Command("loadline")
    .description("finds the highest request rate a served LLM carries within its SLO")
    .version(readVersion())
    .exitOverride()
    // A flag behind a command is that command's: `calibrate simulate --out` is not `calibrate --out`.
    .enablePositionalOptions()
    .showSuggestionAfterError()
    .configureHelp({ showGlobalOptions: true });
  addFindFlags(program.command("find"))
    .description("the highest rate within the SLO")
    .action(async (flags: Record<string, unknown>) => {
      process.exitCode = await measure("find", flags);
    });
  addRunFlags(program.command("run"))
    .description("one load, or a list of them")
    .action(async (flags: Record<string, unknown>) => {
      process.exitCode = await measure("run", flags);
    });
  addSweepFlags(program.command("sweep"))
    .description("floor, ceiling, and the curve between")
    .action(async (flags: Record<string, unknown>) => {
      process.exitCode = await measure("sweep", flags);
    });
  addAgentCommand(program);
  addFleetCommand(program);
  addSimulateServerCommand(program);
  addPreflightCommand(program);
  addReportCommand(program);
  addRescoreCommand(program);
  addCompareCommand(program);
  addSizeCommand(program);
  addResumeCommand(program);
  addCalibrateCommand(program);
  addNotYetCommands(program);
  for (const command of program.commands) command.exitOverride();
  return program;
}
