import { spawn } from "node:child_process";
import { once } from "node:events";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";

export const LOADLINE = fileURLToPath(new URL("../cli/loadline.ts", import.meta.url));

/** A simulated server in a process of its own; it ends with this process at the latest. */
export interface Server {
  readonly url: string;
  readonly port: number;
  close(): Promise<void>;
}

/** Answers at once and never queues at the rates that are asked of it, so that the client is what is measured. */
const ARGS = ["--port", "0", "--slots", "4000", "--ttft", "5ms", "--itl", "10ms"];

export async function startServer(): Promise<Server> {
  const child = spawn(process.execPath, [LOADLINE, "simulate-server", ...ARGS], {
    stdio: ["ignore", "pipe", "inherit", "ipc"],
  });
  const exited = once(child, "exit");
  const { stdout } = child;
  if (stdout === null) throw new Error("the simulator has no standard output");
  const line = await Promise.race([
    once(createInterface(stdout), "line").then(([first]) => String(first)),
    exited.then(() => {
      throw new Error("the simulator ended before it was ready");
    }),
  ]);
  const { url, port } = JSON.parse(line) as { readonly url: string; readonly port: number };
  return {
    url,
    port,
    close: async () => {
      child.kill("SIGTERM");
      await exited;
    },
  };
}
