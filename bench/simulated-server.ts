import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import { onCore, SERVER_CORE } from "./cores.ts";

const LOADLINE = fileURLToPath(new URL("../cli/loadline.ts", import.meta.url));

/** `loadline simulate-server` with `flags`, on the server's core; its end is the caller's affair. */
export async function startSimulatedServer(
  flags: readonly string[],
): Promise<{ readonly url: string; readonly stop: () => Promise<void> }> {
  const pinned = onCore(SERVER_CORE, [LOADLINE, "simulate-server", "--port", "0", ...flags]);
  const child: ChildProcess = spawn(pinned.command, pinned.args, {
    stdio: ["ignore", "pipe", "inherit"],
  });
  const ended = once(child, "close");
  for await (const line of createInterface({ input: child.stdout! })) {
    const { url } = JSON.parse(line) as { readonly url: string };
    return {
      url,
      stop: async () => {
        child.kill("SIGTERM");
        await ended;
      },
    };
  }
  throw new Error("the simulated server ended before it listened");
}
