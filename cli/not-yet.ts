import type { Command } from "commander";
import { ExitCode, LoadError } from "../shared/errors.ts";

/** Commands that are designed and not built: refused by name, never an "unknown command". */
const COMMANDS = [["serve", "coordinator as a service"]] as const;

export function addNotYetCommands(program: Command): void {
  for (const [name, description] of COMMANDS)
    program
      .command(name, { hidden: true })
      .description(description)
      .argument("[anything...]")
      .allowUnknownOption()
      .action(() => {
        throw new LoadError(`\`loadline ${name}\` is asked for, and is not built yet`, {
          code: "LL_NOT_YET",
          hint: "use find, run, sweep, agent, simulate-server, preflight, report, compare, calibrate, size, rescore or resume",
          exitCode: ExitCode.PlanInvalid,
        });
      });
}
