import { ExitCode, LoadError } from "../shared/errors.ts";

/** The number that a flag says. @throws LoadError LL_FLAG_INVALID unless it is finite and above 0. */
export function positiveFlag(flag: string, text: string): number {
  const value = Number(text);
  if (Number.isFinite(value) && value > 0) return value;
  throw new LoadError(`${flag} is ${text}, and must be a number above 0`, {
    code: "LL_FLAG_INVALID",
    hint: `give ${flag} a positive number`,
    exitCode: ExitCode.PlanInvalid,
  });
}

/** As `positiveFlag`, of things that are counted. @throws LoadError LL_FLAG_INVALID unless it is whole and above 0. */
export function countFlag(flag: string, text: string): number {
  const value = positiveFlag(flag, text);
  if (Number.isSafeInteger(value)) return value;
  throw new LoadError(`${flag} is ${text}, and must be a whole number above 0`, {
    code: "LL_FLAG_INVALID",
    hint: `give ${flag} a whole number`,
    exitCode: ExitCode.PlanInvalid,
  });
}
