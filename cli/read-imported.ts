import { stat } from "node:fs/promises";
import { readImported } from "../coordinator/imported/imported.ts";
import type { Imported } from "../coordinator/imported/imported-run.ts";
import { readFlagFile } from "./flag-file.ts";

/** Whether a run is named by a file rather than a folder: then it is another tool's. */
export async function isFile(path: string): Promise<boolean> {
  return (await stat(path).catch(() => undefined))?.isFile() ?? false;
}

/** @throws LoadError LL_FILE_UNREADABLE, LL_IMPORT_UNKNOWN, LL_IMPORT_VERSION. */
export async function readImportedFile(path: string): Promise<Imported> {
  return readImported(await readFlagFile("the run", path, "another tool's result"), path);
}
