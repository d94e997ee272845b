import type { Command } from "commander";
import { addAgentCommand } from "./agent.ts";
import { closeProgram, openProgram } from "./program-frame.ts";

/** `loadline agent`, without the modules of all other commands. */
export function buildAgentProgram(): Command {
  const program = openProgram();
  addAgentCommand(program);
  return closeProgram(program);
}
