import { readFile } from "node:fs/promises";
import { ExitCode, LoadError } from "../shared/errors.ts";

/**
 * The text of a file that a flag names.
 *
 * @param what is wanted there, such as "a PEM file". @throws LoadError LL_FILE_UNREADABLE
 */
export async function readFlagFile(flag: string, name: string, what: string): Promise<string> {
  try {
    return await readFile(name, "utf8");
  } catch (cause) {
    throw new LoadError(`${flag} names ${name}, which cannot be read`, {
      code: "LL_FILE_UNREADABLE",
      hint: `give the path of ${what}`,
      exitCode: ExitCode.PlanInvalid,
      cause,
    });
  }
}
