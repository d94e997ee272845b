#!/usr/bin/env node
import { enableCompileCache } from "node:module";
import type { Command } from "commander";
import { runWithNodeFlags } from "./node-flags.ts";

runWithNodeFlags();
// Halves what every command and every local agent costs to start. It must come before the imports it is to speed up.
enableCompileCache();
const { explainFailure } = await import("./failure.ts");

/** An agent is without the modules of all other commands: 7 MB of each, and 0.1 s to start. */
async function programOf(command: string | undefined): Promise<Command> {
  if (command === "agent") return (await import("./agent-program.ts")).buildAgentProgram();
  return (await import("./program.ts")).buildProgram();
}

try {
  const program = await programOf(process.argv[2]);
  await program.parseAsync();
} catch (error) {
  process.exitCode = explainFailure(error);
}
