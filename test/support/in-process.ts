import assert from "node:assert/strict";
import { buildProgram } from "../../cli/program.ts";
import { LoadError } from "../../shared/errors.ts";

/** What `loadline …` refuses with, without a process of its own: half a second each would add up. */
export async function refusalOf(...args: readonly string[]): Promise<LoadError> {
  try {
    await buildProgram().parseAsync(["node", "loadline", ...args]);
  } catch (error) {
    assert.ok(error instanceof LoadError, String(error));
    return error;
  }
  assert.fail(`\`loadline ${args.join(" ")}\` was not refused`);
}
