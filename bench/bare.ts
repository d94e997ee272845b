import { spawn } from "node:child_process";
import { once } from "node:events";
import { text } from "node:stream/consumers";
import { fileURLToPath } from "node:url";
import { CLIENT_CORE, onCore } from "./cores.ts";
import type { ReaderFigures, ReaderOrder } from "./reader.ts";

const READER = fileURLToPath(new URL("./reader.ts", import.meta.url));
/** Starting and draining, on a slow machine. */
const BESIDE_LOAD_MS = 30_000;

/** Runs a bare reader in a process of its own. @throws Error when it did not get every stream to its end. */
export async function readBare(order: ReaderOrder): Promise<ReaderFigures> {
  const pinned = onCore(CLIENT_CORE, [READER, JSON.stringify(order)]);
  const child = spawn(pinned.command, pinned.args, {
    stdio: ["ignore", "pipe", "inherit"],
    timeout: order.seconds * 1000 + BESIDE_LOAD_MS,
    killSignal: "SIGKILL",
  });
  const [output] = await Promise.all([text(child.stdout), once(child, "close")]);
  if (output === "") throw new Error("the bare reader gave no figures");
  return JSON.parse(output) as ReaderFigures;
}
