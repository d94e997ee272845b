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

function reasonOf(cause: unknown): string {
  return cause instanceof Error ? cause.message : String(cause);
}
