import type { Command } from "commander";
import { runSimulateServer } from "../simulator/main.ts";
import { parseSimulatorOptions, SIMULATOR_FLAGS } from "../simulator/options.ts";

/** `loadline simulate-server`: an LLM endpoint with a known capacity, for the demo, for tests, and for trying things out. */
export function addSimulateServerCommand(program: Command): void {
  const command = program
    .command("simulate-server")
    .description("an LLM endpoint with a known capacity");
  for (const { flag, text, default: preset } of SIMULATOR_FLAGS)
    command.option(flag, preset === undefined ? text : `${text} (default: ${preset})`);
  command.action(async (flags: Record<string, string | undefined>) => {
    await runSimulateServer(parseSimulatorOptions(flags));
  });
}
