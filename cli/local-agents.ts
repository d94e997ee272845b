import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { fileURLToPath } from "node:url";

export interface LocalAgentsOptions {
  readonly count: number;
  readonly natsUrl: string;
  readonly fleet: string;
  /** By environment, so that no process list shows it. */
  readonly token: string;
  /** What the operator (here: the user of this command) allows; the flags of `loadline agent`. */
  readonly allow: readonly string[];
}

/** Agents as child processes; they end when this process or its channel to them does. */
export interface LocalAgents {
  /** Rejects when one ends by itself: a run must not wait for an agent that is gone. */
  readonly failed: Promise<never>;
  close(): Promise<void>;
}

const CLOSE_WITHIN_MS = 3_000;

export function startLocalAgents(options: LocalAgentsOptions): LocalAgents {
  let closing = false;
  const children = Array.from({ length: options.count }, (_, place) => spawnAgent(options, place));
  const failed = Promise.race(
    children.map(async (child) => {
      const [code] = (await once(child, "exit")) as [number | null];
      if (closing) return new Promise<never>(() => undefined);
      throw new Error(`a local agent ended by itself with code ${code ?? "none"}`);
    }),
  );
  // Whoever races with it sees it; when nobody does any more, it must not end the process.
  failed.catch(() => undefined);
  return {
    failed,
    close: async () => {
      closing = true;
      await Promise.all(children.map(endChild));
    },
  };
}

function spawnAgent(options: LocalAgentsOptions, place: number): ChildProcess {
  const bin = new URL(
    import.meta.url.endsWith(".ts") ? "loadline.ts" : "loadline.js",
    import.meta.url,
  );
  const args = ["agent", "--nats", options.natsUrl, "--fleet", options.fleet];
  const id = `local-${place + 1}`;
  return spawn(
    process.execPath,
    [
      fileURLToPath(bin),
      ...args,
      "--id",
      id,
      ...options.allow.flatMap((each) => ["--allow", each]),
    ],
    {
      env: { ...process.env, LOADLINE_TOKEN: options.token },
      stdio: ["ignore", "ignore", "inherit", "ipc"],
    },
  );
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
