import { ExitCode, LoadError } from "../../shared/errors.ts";

/** One thing that is wrong with a plan. */
export interface Problem {
  /** `--rate`, or `plan.yaml:12:7 (rate)`. */
  readonly where: string;
  /** What was asked, and why it cannot be. */
  readonly message: string;
  /** What is allowed. */
  readonly hint: string;
  /** Designed, and not built yet: refused, since ignoring it would measure something else. */
  readonly notYet: boolean;
}

/** A value that was read, or why it could not be. */
export type Reading<Value> =
  | { readonly value: Value }
  | (Pick<Problem, "message" | "hint"> & Partial<Pick<Problem, "notYet">>);

/** All problems as one error. */
export function planInvalid(problems: readonly Problem[]): LoadError {
  const lines = problems.map(({ where, message, hint }) => `${where}: ${message}; ${hint}`);
  const onlyNotYet = problems.every((problem) => problem.notYet);
  const title = onlyNotYet ? "the plan asks for what is not built yet" : "the plan is wrong";
  return new LoadError(
    lines.length === 1
      ? `${title}: ${lines.join("")}`
      : `${title} in ${lines.length} places:\n${lines.map((line) => `  ${line}`).join("\n")}`,
    {
      code: onlyNotYet ? "LL_NOT_YET" : "LL_PLAN_INVALID",
      hint: onlyNotYet
        ? "leave it out; nothing was sent"
        : "correct each of them; nothing was sent",
      exitCode: ExitCode.PlanInvalid,
    },
  );
}

/** How a value is repeated to its author: as written, shortened. */
export function shown(value: unknown): string {
  const text = value === undefined ? "nothing" : JSON.stringify(value);
  return text.length > 80 ? `${text.slice(0, 80)}…` : text;
}
