import { createReadStream } from "node:fs";
import { mkdir, open, readdir, readFile, rename, rm, truncate } from "node:fs/promises";
import { join } from "node:path";
import { assert } from "../../shared/assert.ts";
import { ExitCode, LoadError } from "../../shared/errors.ts";
import type { LogEntry, RunStore } from "../ports.ts";
import { AppendFile } from "./append-file.ts";
import { encodeIntervalReport } from "../../shared/wire/report-codec.ts";
import { intervalEntry, INTERVALS_FILE } from "./intervals-file.ts";
import { linesOf } from "./lines.ts";
import { lockRunFolder } from "./run-lock.ts";
import { RequestsFile } from "./requests-file.ts";
import { damaged, readFailed, writeFailed } from "./store-errors.ts";
import type { ReadOptions, TornTail } from "./torn.ts";

export { readIntervals } from "./intervals-file.ts";
export { readRequests } from "./requests-file.ts";

const LOG_FILE = "log.jsonl";
export const SERVER_FILE = "server.jsonl";
export const PLAN_FILE = "plan.json";
export const RESULT_FILE = "result.json";

export interface RunFolderOptions {
  /** Whether `requests.jsonl.zst` is written; without it record batches are dropped. */
  readonly records: boolean;
  /** The plan's class names, in its order; without them requests name their class by number. */
  readonly classNames?: readonly string[];
  /** Whether `server.jsonl` is written. */
  readonly server?: boolean;
}

/**
 * Makes a run's folder: `intervals.bin` (every report that was acknowledged), `log.jsonl` (every decision),
 * `requests.jsonl.zst`, and whole files beside them.
 *
 * @throws LoadError LL_RUN_FOLDER_EXISTS when something is there already, LL_RUN_FOLDER_WRITE when it cannot be made.
 */
export async function openRunFolder(
  directory: string,
  options: RunFolderOptions,
): Promise<RunStore> {
  await claim(directory);
  const lock = await lockRunFolder(directory);
  return storeOf({ directory, lock }, options, (...names) =>
    Promise.resolve(new RequestsFile(...names)),
  );
}

/**
 * Opens the folder of a run that a coordinator left without its end, so that another may go on with it: torn tails
 * are cut off, and what comes is written behind what is there.
 *
 * @throws LoadError LL_RUN_FOLDER_WRITE, or LL_COORDINATOR_ALIVE while the one before still writes.
 */
export async function reopenRunFolder(
  directory: string,
  options: RunFolderOptions & { readonly torn: readonly TornTail[] },
): Promise<RunStore> {
  const lock = await lockRunFolder(directory);
  for (const { path, wholeBytes } of options.torn) await cutOff(path, wholeBytes);
  return storeOf({ directory, lock }, options, (...names) => RequestsFile.reopen(...names));
}

async function storeOf(
  { directory, lock }: { directory: string; lock: Awaited<ReturnType<typeof lockRunFolder>> },
  options: RunFolderOptions,
  openRequests: typeof RequestsFile.reopen,
): Promise<RunStore> {
  const intervals = await AppendFile.open(join(directory, INTERVALS_FILE));
  const log = await AppendFile.open(join(directory, LOG_FILE));
  const server =
    options.server === true ? await AppendFile.open(join(directory, SERVER_FILE)) : undefined;
  const requests = options.records
    ? await openRequests(directory, options.classNames ?? [])
    : undefined;
  return {
    directory,
    writePlan: (plan) =>
      writeWhole(directory, PLAN_FILE, `${JSON.stringify(plan, undefined, 2)}\n`),
    appendInterval: (report, bytes = encodeIntervalReport(report)) =>
      intervals.append(intervalEntry(bytes)),
    appendLog: (entry) => log.append(lineOf(entry)),
    appendServer: async (entry) => server?.append(lineOf(entry)),
    appendRecords: async (batch) => requests?.append(batch),
    writeFile: (name, contents) => writeWhole(directory, name, contents),
    async close() {
      try {
        await Promise.all([intervals.close(), log.close(), server?.close(), requests?.close()]);
      } finally {
        await lock.release();
      }
    },
  };
}

function lineOf(entry: LogEntry): Buffer {
  return Buffer.from(`${JSON.stringify(entry)}\n`);
}

/**
 * The decisions of a run, in their order.
 *
 * @throws LoadError LL_RUN_FOLDER_READ, or LL_RUN_FOLDER_DAMAGED where a line before the last is no entry.
 */
export function readLog(directory: string, options: ReadOptions = {}): AsyncGenerator<LogEntry> {
  return readEntries(join(directory, LOG_FILE), options);
}

/**
 * What the target said of itself in a run, in its order.
 *
 * @throws LoadError as `readLog`.
 */
export function readServerLog(
  directory: string,
  options: ReadOptions = {},
): AsyncGenerator<LogEntry> {
  return readEntries(join(directory, SERVER_FILE), options);
}

async function* readEntries(path: string, options: ReadOptions): AsyncGenerator<LogEntry> {
  let place = 0;
  try {
    const chunks = createReadStream(path) as AsyncIterable<Buffer>;
    for await (const line of linesOf(chunks, { ...options, path })) {
      place += 1;
      yield entryOf(line);
    }
  } catch (error) {
    if (error instanceof SyntaxError)
      throw damaged(path, { where: `in line ${place}`, cause: error });
    throw error instanceof LoadError ? error : readFailed(path, error);
  }
}

/**
 * A whole file of a run's folder.
 *
 * @throws LoadError LL_RUN_NOT_FOUND
 */
export async function readRunFile(directory: string, name: string): Promise<string> {
  try {
    return await readFile(join(directory, name), "utf8");
  } catch (cause) {
    throw new LoadError(`${directory} holds no ${name}`, {
      code: "LL_RUN_NOT_FOUND",
      hint:
        name === RESULT_FILE
          ? "give the folder of a run that has ended; one that was killed is continued with `loadline resume`"
          : "give the folder that a run of Loadline wrote (--out)",
      exitCode: ExitCode.PlanInvalid,
      cause,
    });
  }
}

function entryOf(line: string): LogEntry {
  const value: unknown = JSON.parse(line);
  if (typeof value === "object" && value !== null && "kind" in value) return value as LogEntry;
  throw new SyntaxError("it is no entry of a log");
}

/** Makes the folder, or takes one that is there and empty. */
async function claim(directory: string): Promise<void> {
  let entries: readonly string[];
  try {
    await mkdir(directory, { recursive: true });
    entries = await readdir(directory);
  } catch (error) {
    if (isFileThere(error)) throw folderExists(directory, "is a file");
    throw writeFailed(directory, error);
  }
  if (entries.length > 0) throw folderExists(directory, "exists and is not empty");
}

async function cutOff(path: string, bytes: number): Promise<void> {
  try {
    await truncate(path, bytes);
  } catch (error) {
    throw writeFailed(path, error);
  }
}

function isFileThere(error: unknown): boolean {
  return error instanceof Error && "code" in error && error.code === "EEXIST";
}

function folderExists(directory: string, state: string): LoadError {
  return new LoadError(`the run is to be written to ${directory}, which ${state}`, {
    code: "LL_RUN_FOLDER_EXISTS",
    hint: "give another folder with --out; a run never writes over another",
    exitCode: ExitCode.PlanInvalid,
  });
}

/** By way of a temporary name: a reader sees the whole file or none, also after a crash. */
async function writeWhole(
  directory: string,
  name: string,
  contents: string | Uint8Array,
): Promise<void> {
  assert(/^[\w][\w.-]*$/.test(name), "a file of a run folder has a plain name");
  const path = join(directory, name);
  const temporary = join(directory, `.${name}.tmp`);
  try {
    const handle = await open(temporary, "w");
    try {
      await handle.writeFile(contents);
      await handle.sync();
    } finally {
      await handle.close();
    }
    await rename(temporary, path);
  } catch (error) {
    // The first error is the one to tell of.
    await rm(temporary, { force: true }).catch(() => undefined);
    throw writeFailed(path, error);
  }
}
