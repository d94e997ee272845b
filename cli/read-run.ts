import { join } from "node:path";
import { readRecordedPlan, type RecordedPlan } from "../coordinator/plan/recorded-plan.ts";
import type { Result } from "../coordinator/show/result.ts";
import { PLAN_FILE, readRunFile, RESULT_FILE } from "../coordinator/store/run-folder.ts";
import { ExitCode, LoadError } from "../shared/errors.ts";

/** A finished run's `result.json`. @throws LoadError LL_RUN_NOT_FOUND, LL_RESULT_SCHEMA, LL_RUN_FOLDER_DAMAGED. */
export async function readResult(directory: string): Promise<Result> {
  const text = await readRunFile(directory, RESULT_FILE);
  const result = resultIn(text, directory);
  if (isOurs(result)) return result;
  throw new LoadError(`${directory} holds a result of schema ${String(result.schema)}`, {
    code: "LL_RESULT_SCHEMA",
    hint: "read it with the version of Loadline that wrote it",
    exitCode: ExitCode.PlanInvalid,
  });
}

/** A finished run's `plan.json`, whichever version wrote it. @throws LoadError LL_RUN_NOT_FOUND, LL_RUN_FOLDER_DAMAGED. */
export async function readPlan(directory: string): Promise<RecordedPlan> {
  return readRecordedPlan(await readRunFile(directory, PLAN_FILE), join(directory, PLAN_FILE));
}

/**
 * The result of a run whose figures are to be reckoned with.
 *
 * @throws LoadError LL_RUN_INVALID where the generator made them, with its reasons; as `readResult`.
 */
export async function readValidResult(directory: string): Promise<Result> {
  const result = await readResult(directory);
  const { verdict, reasons } = result.validity;
  if (verdict !== "invalid") return result;
  throw runInvalid(directory, reasons);
}

/**
 * As `readValidResult`, of a run whose windows are taken one by one: those that are invalid are their reader's to leave
 * out, and only what is wrong with the run beyond them is refused.
 */
export async function readValidWindows(directory: string): Promise<Result> {
  const result = await readResult(directory);
  const ofWindows = new Set(result.probes.flatMap(({ validity }) => validity.reasons));
  const beyond = result.validity.reasons.filter((reason) => !ofWindows.has(reason));
  if (result.validity.verdict !== "invalid" || beyond.length === 0) return result;
  throw runInvalid(directory, beyond);
}

function runInvalid(directory: string, reasons: readonly string[]): LoadError {
  return new LoadError(
    `${directory} is to be reckoned with, and its measurement is invalid: ${reasons.join("; ")}`,
    {
      code: "LL_RUN_INVALID",
      hint: "see to what the reasons name, and measure again: the generator, not the server, made these numbers",
      exitCode: ExitCode.MeasurementInvalid,
    },
  );
}

/**
 * The result of a run that measured one endpoint, for those who make one curve of it.
 *
 * @throws LoadError LL_NOT_YET for a run with `--against`; as `readResult`.
 */
export async function readResultOfOne(directory: string): Promise<Result> {
  const result = await readResult(directory);
  if (result.against === undefined) return result;
  throw new LoadError(
    `${directory} is to be read as one curve, and its windows alternate between two endpoints`,
    {
      code: "LL_NOT_YET",
      hint: "judge it with `loadline compare`, or measure one endpoint by itself",
      exitCode: ExitCode.PlanInvalid,
    },
  );
}

type Unchecked = Omit<Result, "schema"> & { readonly schema: unknown };

function resultIn(text: string, directory: string): Unchecked {
  try {
    const value: unknown = JSON.parse(text);
    if (typeof value === "object" && value !== null) return value as Unchecked;
  } catch {
    // Said below.
  }
  throw new LoadError(`${join(directory, RESULT_FILE)} is damaged: it is no result of a run`, {
    code: "LL_RUN_FOLDER_DAMAGED",
    hint: "the file was changed after the run, or the disk is at fault; restore it from a copy",
    exitCode: ExitCode.PlanInvalid,
  });
}

function isOurs(result: Unchecked): result is Result {
  return result.schema === "loadline/result@1";
}
