import type { Command } from "commander";
import { addAgentCommand } from "./agent.ts";
import { closeProgram, openProgram } from "./program-frame.ts";
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

/** The command line: one file a command, named as users type it. */
export function buildProgram(): Command {
  const program = openProgram();
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
  return closeProgram(program);
}
