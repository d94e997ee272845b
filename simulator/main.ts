import { setFlagsFromString } from "node:v8";
import type { SimulatorOptions } from "./options.ts";
import { startSimulator } from "./server.ts";

/**
 * `loadline simulate-server`: prints `{"url": …, "port": …}` as one line when it listens, and serves until SIGTERM
 * or SIGINT, or, when it was started with an IPC channel, until its parent is gone.
 *
 * @throws LoadError as `startSimulator`.
 */
export async function runSimulateServer(options: SimulatorOptions): Promise<void> {
  collectOften();
  const simulator = await startSimulator(options);
  process.stdout.write(`${JSON.stringify({ url: simulator.url, port: simulator.port })}\n`);
  await toldToEnd();
  await simulator.close();
}

/**
 * Keeps the young generation as small as it starts. Left alone it grows to 64 MB, and each collection of it holds every
 * stream's tokens back by several ms that no schedule knows of. Takes effect at any time before it has grown.
 */
function collectOften(): void {
  setFlagsFromString("--semi-space-growth-factor=1");
}

function toldToEnd(): Promise<void> {
  return new Promise((resolve) => {
    const end = (): void => {
      process.off("SIGTERM", end);
      process.off("SIGINT", end);
      process.off("disconnect", end);
      resolve();
    };
    process.on("SIGTERM", end);
    process.on("SIGINT", end);
    // Only a process with a channel has a parent to lose.
    if (process.connected) process.on("disconnect", end);
    // It was lost while this process was still starting.
    else if (process.send !== undefined) end();
  });
}
