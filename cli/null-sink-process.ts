import { type ChildProcess, fork } from "node:child_process";
import { once } from "node:events";
import { fileURLToPath } from "node:url";
import type { NullSink } from "../agent/ports.ts";
import type { SinkEntry } from "../shared/measurement/sink-entry.ts";

const ANSWER_WITHIN_MS = 10_000;

/**
 * A null sink in a process of its own; it ends when this process does, whatever becomes of it.
 *
 * @throws Error when the process does not come up.
 */
export async function startNullSinkProcess(): Promise<NullSink> {
  const entry = import.meta.url.endsWith(".ts") ? "null-sink.ts" : "null-sink.js";
  const child = fork(fileURLToPath(new URL(entry, import.meta.url)), [], {
    stdio: ["ignore", "ignore", "inherit", "ipc"],
  });
  const close = (): void => {
    child.kill("SIGKILL");
  };
  try {
    const { port } = (await messageOf(child)) as { readonly port: number };
    return {
      url: `http://127.0.0.1:${port}/v1`,
      takeLog: async () => {
        child.send("log");
        return (await messageOf(child)) as readonly SinkEntry[];
      },
      close,
    };
  } catch (error) {
    close();
    throw error;
  }
}

/**
 * The next message of a null sink's process. Whichever comes, nothing goes on listening for the other: it may be asked often.
 *
 * @throws Error when it ends instead, or says nothing for ten seconds.
 */
export async function messageOf(child: ChildProcess): Promise<unknown> {
  const heard = new AbortController();
  const signal = AbortSignal.any([heard.signal, AbortSignal.timeout(ANSWER_WITHIN_MS)]);
  const ended = once(child, "exit", { signal }).then(() => {
    throw new Error("the null sink ended by itself");
  });
  try {
    const [message] = (await Promise.race([once(child, "message", { signal }), ended])) as [
      unknown,
    ];
    return message;
  } finally {
    heard.abort();
    ended.catch(() => undefined);
  }
}
