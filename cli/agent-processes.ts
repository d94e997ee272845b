import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { fileURLToPath } from "node:url";

/** `loadline agent` as child processes; they end when this process or its channel to them does. */
export interface AgentProcesses {
  /** Rejects when one ends by itself: nobody must wait for an agent that is gone. */
  readonly failed: Promise<never>;
  /** All of them ended with 0: drained, where that is no failure. */
  readonly left: Promise<unknown>;
  close(): Promise<void>;
}

const CLOSE_WITHIN_MS = 3_000;
/**
 * What Node runs an agent with; neither can be set later. A small young generation: at 400 requests/s × 64 tokens on
 * one core an agent then pauses for 3 ms at a time to collect it, instead of 12, for the same CPU; and takes some 20 MB
 * less. And collections by the main thread alone: helper threads take a shared core from it for several ms at a time
 * (docs/decisions/0024).
 */
export const AGENT_NODE_FLAGS = ["--max-semi-space-size=4", "--single-threaded-gc"];

/** Starts one for each list of arguments to `loadline agent`. What no process list may show goes by `environment`; those that `mayLeave` may be drained. */
export function startAgentProcesses(
  argLists: readonly (readonly string[])[],
  { environment, mayLeave }: { environment: NodeJS.ProcessEnv; mayLeave: boolean },
): AgentProcesses {
  let closing = false;
  const children = argLists.map((args) => spawnAgent(args, environment));
  const exits = children.map(async (child) => ((await once(child, "exit")) as [number | null])[0]);
  const failed = Promise.race(
    exits.map(async (exit) => {
      const code = await exit;
      if (closing || (mayLeave && code === 0)) return never();
      throw new Error(`an agent ended by itself with code ${code ?? "none"}`);
    }),
  );
  // Whoever races with it sees it; when nobody does any more, it must not end the process.
  failed.catch(() => undefined);
  return {
    failed,
    left: Promise.all(exits.map(async (exit) => ((await exit) === 0 ? undefined : never()))),
    close: async () => {
      closing = true;
      await Promise.all(children.map(endChild));
    },
  };
}

function never(): Promise<never> {
  return new Promise(() => undefined);
}

function spawnAgent(args: readonly string[], environment: NodeJS.ProcessEnv): ChildProcess {
  const bin = new URL(
    import.meta.url.endsWith(".ts") ? "loadline.ts" : "loadline.js",
    import.meta.url,
  );
  return spawn(process.execPath, [...AGENT_NODE_FLAGS, fileURLToPath(bin), "agent", ...args], {
    env: environment,
    stdio: ["ignore", "ignore", "inherit", "ipc"],
  });
}

async function endChild(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const ended = once(child, "exit");
  // Agents end by themselves when their parent's channel closes; the signal is for one that hangs.
  if (child.connected) child.disconnect();
  const timer = setTimeout(() => child.kill("SIGKILL"), CLOSE_WITHIN_MS);
  await ended;
  clearTimeout(timer);
}
