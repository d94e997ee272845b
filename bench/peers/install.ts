import { spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync } from "node:fs";
import { mkdir, open, readFile, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

/** How a peer comes into a virtual environment of its own. */
export interface Recipe {
  readonly name: string;
  /** Arguments of that environment's Python, one process after the other. */
  readonly steps: readonly (readonly string[])[];
}

/** An environment that holds the peer, or why there is none. */
export type Installed = { readonly venv: string } | { readonly reason: string };

/** Several GB; never committed. */
const FOLDER =
  process.env["LOADLINE_PEERS"] ??
  fileURLToPath(new URL("../../node_modules/.cache/loadline-peers", import.meta.url));
/** Of one step; the largest fetches about 3 GB. */
const STEP_MS_MAX = 20 * 60_000;
/** Written behind the last step: an environment without it was left half-way. */
const DONE = "loadline-installed";

export function binOf(venv: string, program: string): string {
  return join(venv, "bin", program);
}

/** Installs what is not there yet; what cannot be had is a reason, and nothing is left of it but its log. */
export async function install({ name, steps }: Recipe): Promise<Installed> {
  const venv = join(FOLDER, name);
  const recipe = JSON.stringify(steps);
  if (existsSync(join(venv, DONE)) && (await readFile(join(venv, DONE), "utf8")) === recipe)
    return { venv };
  process.stderr.write(`installing ${name} into ${venv} …\n`);
  await rm(venv, { recursive: true, force: true });
  await mkdir(FOLDER, { recursive: true });
  const log = join(FOLDER, `${name}.log`);
  await writeFile(log, "");
  const commands = [
    ["python3", "-m", "venv", venv],
    ...steps.map((step) => [binOf(venv, "python"), ...step]),
  ];
  for (const command of commands) {
    if (await succeeds(command, log)) continue;
    await rm(venv, { recursive: true, force: true });
    return { reason: `not installed: ${lastLine(await readFile(log, "utf8"))}` };
  }
  await writeFile(join(venv, DONE), recipe);
  return { venv };
}

async function succeeds([command = "", ...args]: readonly string[], log: string): Promise<boolean> {
  const file = await open(log, "a");
  try {
    const child = spawn(command, args, {
      stdio: ["ignore", file.fd, file.fd],
      timeout: STEP_MS_MAX,
      killSignal: "SIGKILL",
    });
    const [code] = (await once(child, "close")) as [number | null];
    return code === 0;
  } catch (error) {
    await file.write(`${String(error)}\n`);
    return false;
  } finally {
    await file.close();
  }
}

/** pip says last what it could not do; a traceback, what was raised. */
export function lastLine(log: string): string {
  const lines = log.split("\n").filter((line) => line.trim() !== "");
  const error = lines.findLast((line) => line.startsWith("ERROR:"));
  return (error ?? lines.at(-1) ?? "it printed nothing").trim().slice(0, 200);
}
