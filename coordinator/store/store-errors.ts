import { ExitCode, LoadError } from "../../shared/errors.ts";

export function writeFailed(path: string, cause: unknown): LoadError {
  return new LoadError(`cannot write ${path}: ${reasonOf(cause)}`, {
    code: "LL_RUN_FOLDER_WRITE",
    hint: "make room on that disk, or give another folder with --out; what was written before is intact",
    exitCode: ExitCode.MeasurementInvalid,
    cause,
  });
}

export function readFailed(path: string, cause: unknown): LoadError {
  return new LoadError(`cannot read ${path}: ${reasonOf(cause)}`, {
    code: "LL_RUN_FOLDER_READ",
    hint: "give the folder that a run of Loadline wrote (--out)",
    exitCode: ExitCode.PlanInvalid,
    cause,
  });
}

/** @param where "at byte 12", "in line 3". */
export function damaged(
  path: string,
  problem: { readonly where: string; readonly cause: unknown },
): LoadError {
  return new LoadError(`${path} is damaged ${problem.where}: ${reasonOf(problem.cause)}`, {
    code: "LL_RUN_FOLDER_DAMAGED",
    hint: "the file was changed after the run, or the disk is at fault; restore it from a copy",
    exitCode: ExitCode.PlanInvalid,
    cause: problem.cause,
  });
}

function reasonOf(cause: unknown): string {
  return cause instanceof Error ? cause.message : String(cause);
}
