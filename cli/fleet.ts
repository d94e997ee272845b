import type { Command } from "commander";
import { addFleetDoctorCommand } from "./fleet/doctor.ts";
import { addFleetDrainCommand } from "./fleet/drain.ts";
import { addFleetInitCommand } from "./fleet/init.ts";
import { addFleetLsCommand } from "./fleet/ls.ts";

/** `loadline fleet …`: what is done to a fleet between its runs. */
export function addFleetCommand(program: Command): void {
  const fleet = program
    .command("fleet")
    .description("make a fleet, see who is there, find what is wrong, empty it");
  addFleetInitCommand(fleet);
  addFleetLsCommand(fleet);
  addFleetDoctorCommand(fleet);
  addFleetDrainCommand(fleet);
}
