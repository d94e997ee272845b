import { spawn } from "node:child_process";
import { once } from "node:events";
import { setTimeout as delay } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import type { SinkEntry } from "../shared/measurement/sink-entry.ts";
import { messageOf } from "../cli/null-sink-process.ts";
import { onCore, SERVER_CORE } from "./cores.ts";

const SINK = fileURLToPath(new URL("../cli/null-sink.ts", import.meta.url));

/**
 * The null sink on a core of its own: it answers at once, a token each 4 ms, and logs when it got each request and
 * wrote each token, on the host's monotonic clock. It ends with this process at the latest.
 */
export interface Sink {
  readonly url: string;
  readonly port: number;
  /** What was logged since it was asked last, up to 20,000 answers. */
  takeLog(): Promise<readonly SinkEntry[]>;
  /** Its process is stopped for that long, and goes on. */
  standStill(forMs: number): Promise<void>;
  close(): Promise<void>;
}

export async function startSink(): Promise<Sink> {
  const { command, args } = onCore(SERVER_CORE, [SINK]);
  const child = spawn(command, args, { stdio: ["ignore", "ignore", "inherit", "ipc"] });
  const { port } = (await messageOf(child)) as { readonly port: number };
  return {
    url: `http://127.0.0.1:${port}`,
    port,
    takeLog: async () => {
      child.send("log");
      return (await messageOf(child)) as readonly SinkEntry[];
    },
    standStill: async (forMs) => {
      child.kill("SIGSTOP");
      try {
        await delay(forMs);
      } finally {
        child.kill("SIGCONT");
      }
    },
    close: async () => {
      const exited = once(child, "exit");
      child.kill("SIGTERM");
      await exited;
    },
  };
}
