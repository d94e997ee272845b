import type { Reading } from "../coordinator/plan/problem.ts";
import { ExitCode, LoadError } from "../shared/errors.ts";

/** A flag that has a value it cannot have: LL_FLAG_INVALID. */
export function flagInvalid(message: string, hint: string): LoadError {
  return new LoadError(message, {
    code: "LL_FLAG_INVALID",
    hint,
    exitCode: ExitCode.PlanInvalid,
  });
}

/** What was read of a flag's text. @throws LoadError LL_FLAG_INVALID */
export function valueOf<Value>(flag: string, reading: Reading<Value>): Value {
  if ("value" in reading) return reading.value;
  throw flagInvalid(`${flag}: ${reading.message}`, reading.hint);
}
