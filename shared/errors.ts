/** What the process ends with; the contract of the command line (docs/errors.md). */
export const ExitCode = {
  Done: 0,
  Unexpected: 1,
  PlanInvalid: 2,
  TargetUnusable: 3,
  MeasurementInvalid: 4,
  Inconclusive: 5,
  GateFailed: 99,
  Interrupted: 130,
} as const;
export type ExitCode = (typeof ExitCode)[keyof typeof ExitCode];

/** When several exit codes hold at once, the first of these wins. */
export const EXIT_CODE_PRECEDENCE: readonly ExitCode[] = [130, 2, 3, 4, 99, 5];

/**
 * An error of the world: says what was asked and what is true (`message`), what to do (`hint`),
 * and is known by a stable `code` that has a section in docs/errors.md.
 */
export class LoadError extends Error {
  readonly code: string;
  readonly hint: string;
  readonly exitCode: ExitCode;

  constructor(
    message: string,
    options: { code: string; hint: string; exitCode: ExitCode; cause?: unknown },
  ) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    this.name = "LoadError";
    this.code = options.code;
    this.hint = options.hint;
    this.exitCode = options.exitCode;
  }
}
