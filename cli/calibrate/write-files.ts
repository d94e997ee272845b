import { existsSync } from "node:fs";
import { mkdir, rename, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import type { EmittedFile } from "../../coordinator/calibrate/files/emitted-file.ts";
import { ExitCode, LoadError } from "../../shared/errors.ts";

/**
 * Writes all files or none, each whole, and none over another.
 *
 * @throws LoadError LL_FILE_EXISTS, LL_FILE_WRITE
 */
export async function writeFiles(directory: string, files: readonly EmittedFile[]): Promise<void> {
  const there = files.filter(({ name }) => existsSync(join(directory, name)));
  if (there.length > 0) throw fileExists(directory, there);
  const temporary = (name: string): string => join(directory, `.${name}.tmp`);
  try {
    await mkdir(directory, { recursive: true });
    for (const { name, text } of files) await writeFile(temporary(name), text);
    for (const { name } of files) await rename(temporary(name), join(directory, name));
  } catch (cause) {
    for (const { name } of files) await rm(temporary(name), { force: true }).catch(() => undefined);
    throw new LoadError(`the files cannot be written to ${directory}: ${messageOf(cause)}`, {
      code: "LL_FILE_WRITE",
      hint: "name a folder that can be written with --out",
      exitCode: ExitCode.PlanInvalid,
      cause,
    });
  }
}

function fileExists(directory: string, files: readonly EmittedFile[]): LoadError {
  const names = files.map(({ name }) => name).join(", ");
  return new LoadError(`${directory} holds ${names} already, and nothing is written over`, {
    code: "LL_FILE_EXISTS",
    hint: "name another folder with --out, or move those files away",
    exitCode: ExitCode.PlanInvalid,
  });
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
