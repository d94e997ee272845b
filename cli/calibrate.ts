import type { Command } from "commander";
import { addEmitFlags, emit } from "./calibrate/emit.ts";
import { addLintCommand } from "./calibrate/lint.ts";
import { addSimulateCommand } from "./calibrate/simulate.ts";
import { addVerifyCommand } from "./calibrate/verify.ts";

/** `loadline calibrate …`: from a measured run to an autoscaler's file, and what becomes of one. */
export function addCalibrateCommand(program: Command): void {
  const calibrate = program
    .command("calibrate")
    .description("autoscaler files from a run of find, with reasons; lint and simulate them")
    // A flag behind `lint` or `simulate` is theirs.
    .enablePositionalOptions();
  addEmitFlags(calibrate.argument("<run>", "the run's folder")).action(emit);
  addSimulateCommand(calibrate);
  addLintCommand(calibrate);
  addVerifyCommand(calibrate);
}
