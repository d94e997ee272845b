import { type DestinationStream, type Logger, pino, stdTimeFunctions } from "pino";
import { ExitCode, LoadError } from "../shared/errors.ts";

const FORMATS = ["text", "json"] as const;
export type LogFormat = (typeof FORMATS)[number];

/** `--log-format`. @throws LoadError LL_FLAG_INVALID. */
export function logFormatOf(text: string): LogFormat {
  const format = FORMATS.find((each) => each === text);
  if (format !== undefined) return format;
  throw new LoadError(`--log-format is ${text}, and must be ${FORMATS.join(" or ")}`, {
    code: "LL_FLAG_INVALID",
    hint: "json is one object a line, for a log collector; text is for people",
    exitCode: ExitCode.PlanInvalid,
  });
}

/** A log on standard error; `fields` go into each of its lines. Its level is LOADLINE_LOG, or else `level`. */
export function openLog(options: {
  readonly format: LogFormat;
  readonly level: "info" | "warn";
  readonly fields: Readonly<Record<string, string>>;
}): Logger {
  return pino(
    {
      level: process.env["LOADLINE_LOG"] ?? options.level,
      base: options.fields,
      timestamp: stdTimeFunctions.isoTime,
      formatters: { level: (level) => ({ level }) },
    },
    options.format === "json" ? pino.destination(2) : AS_TEXT,
  );
}

const AS_TEXT: DestinationStream = {
  write: (line) => {
    process.stderr.write(textOf(JSON.parse(line) as Record<string, unknown>));
  },
};

/** "2026-11-26T06:52:18.120Z warn agent-1: lost the message engine (run=4f1c server=…)". */
function textOf({ level, time, agent, msg, ...fields }: Record<string, unknown>): string {
  const rest = Object.entries(fields).map(([name, value]) => `${name}=${wordOf(value)}`);
  const who = typeof agent === "string" ? ` ${agent}` : "";
  const more = rest.length === 0 ? "" : ` (${rest.join(" ")})`;
  return `${String(time)} ${String(level)}${who}: ${String(msg)}${more}\n`;
}

function wordOf(value: unknown): string {
  return typeof value === "string" && !/[\s"=()]/.test(value) ? value : JSON.stringify(value);
}
