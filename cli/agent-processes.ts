import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { fileURLToPath } from "node:url";
import { AGENT_NODE_FLAGS } from "./node-flags.ts";

/** `loadline agent` as child processes; they end when this process or its channel to them does. */
export interface AgentProcesses {
  /** Rejects when one ends by itself: nobody must wait for an agent that is gone. */
  readonly failed: Promise<never>;
  /** All of them ended with 0: drained, where that is no failure. */
  readonly left: Promise<unknown>;
  close(): Promise<void>;
}

const CLOSE_WITHIN_MS = 3_000;

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
