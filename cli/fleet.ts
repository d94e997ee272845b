import type { Command } from "commander";
import { addFleetInitCommand } from "./fleet/init.ts";

/** `loadline fleet …`: what is done to a fleet between its runs. */
export function addFleetCommand(program: Command): void {
  const fleet = program
    .command("fleet")
    .description("make a fleet, see who is there, find what is wrong");
  addFleetInitCommand(fleet);
}
