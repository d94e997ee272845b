import type { Command } from "commander";
import { ExitCode, LoadError } from "../../shared/errors.ts";

/** `loadline calibrate verify`: designed, and refused by name until it is built. */
export function addVerifyCommand(calibrateCommand: Command): void {
  calibrateCommand
    .command("verify", { hidden: true })
    .argument("[anything...]")
    .allowUnknownOption()
    .action(() => {
      throw new LoadError("`loadline calibrate verify` is asked for, and is not built yet", {
        code: "LL_NOT_YET",
        hint: "use calibrate simulate: it predicts what verify would measure",
        exitCode: ExitCode.PlanInvalid,
      });
    });
}
