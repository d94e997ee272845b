import { readFileSync } from "node:fs";
import { readFile, rm, writeFile } from "node:fs/promises";
import { hostname } from "node:os";
import { join } from "node:path";
import { ExitCode, LoadError } from "../../shared/errors.ts";
import { writeFailed } from "./store-errors.ts";

const LOCK_FILE = "coordinator.pid";

/** Who writes a run folder. */
interface Holder {
  readonly host: string;
  readonly processId: number;
  /** Of that process, in the kernel's ticks since boot: a number of a process may come again; "" where it is not known. */
  readonly startTicks: string;
}

/**
 * A run folder has one writer. What a killed one left behind is no lock any more; whether one on another machine lives
 * cannot be seen from here, so its lock counts as left: agents of a fleet know (LL_COORDINATOR_ALIVE from them).
 *
 * @throws LoadError LL_COORDINATOR_ALIVE
 */
export async function assertNotWritten(directory: string): Promise<void> {
  const holder = await readHolder(join(directory, LOCK_FILE));
  if (holder !== undefined && isAlive(holder)) throw alive(directory, holder);
}

/** @throws LoadError LL_COORDINATOR_ALIVE, LL_RUN_FOLDER_WRITE. */
export async function lockRunFolder(directory: string): Promise<{ release(): Promise<void> }> {
  await assertNotWritten(directory);
  const path = join(directory, LOCK_FILE);
  const own: Holder = {
    host: hostname(),
    processId: process.pid,
    startTicks: startTicksOf(process.pid),
  };
  try {
    await writeFile(path, `${JSON.stringify(own)}\n`);
  } catch (error) {
    throw writeFailed(path, error);
  }
  return { release: () => rm(path, { force: true }) };
}

async function readHolder(path: string): Promise<Holder | undefined> {
  try {
    return JSON.parse(await readFile(path, "utf8")) as Holder;
  } catch {
    // None, or one that was killed while it wrote this.
    return undefined;
  }
}

function isAlive({ host, processId, startTicks }: Holder): boolean {
  if (host !== hostname() || processId === process.pid) return false;
  try {
    process.kill(processId, 0);
  } catch (error) {
    return error instanceof Error && "code" in error && error.code === "EPERM";
  }
  return startTicksOf(processId) === startTicks;
}

/** Field 22 of proc_pid_stat(5); the name before may hold anything. */
function startTicksOf(processId: number): string {
  try {
    const text = readFileSync(`/proc/${processId}/stat`, "utf8");
    return text.slice(text.lastIndexOf(")") + 2).split(" ")[19] ?? "";
  } catch {
    return "";
  }
}

function alive(directory: string, { processId }: Holder): LoadError {
  return new LoadError(
    `the run in ${directory} is to be resumed, but its coordinator is there: process ${processId}`,
    {
      code: "LL_COORDINATOR_ALIVE",
      hint: "let that process end, or end it; a run has one coordinator at a time",
      exitCode: ExitCode.PlanInvalid,
    },
  );
}
