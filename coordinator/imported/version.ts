import { ExitCode, LoadError } from "../../shared/errors.ts";

/** A file of a tool that is known, in a form that is not: its numbers might mean something else. */
export function versionUnknown(
  place: string,
  options: { readonly tool: string; readonly found: string; readonly known: string },
): LoadError {
  const { tool, found, known } = options;
  return new LoadError(`${place} is a result of ${tool} with ${found}, and ${known} is known`, {
    code: "LL_IMPORT_VERSION",
    hint: `write it anew with a version of ${tool} that has ${known}, or report this file`,
    exitCode: ExitCode.PlanInvalid,
  });
}
