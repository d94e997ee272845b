import type { Command } from "commander";
import type { RunEvent } from "../coordinator/run/run-contract.ts";
import { RunMetrics } from "../coordinator/web/run-metrics.ts";
import { type LogFormat, logFormatOf, openLog } from "./log.ts";
import { type MetricsAddress, metricsAddressOf, serveMetrics } from "./metrics-listen.ts";
import { Progress } from "./progress.ts";
import { logRunEvent } from "./progress-log.ts";

/** How a command that measures tells how it goes: matters of this process, and no part of the plan. */
export interface TellingOptions {
  readonly logFormat: LogFormat;
  readonly metricsListen: MetricsAddress | undefined;
}

export const TELL_A_PERSON: TellingOptions = { logFormat: "text", metricsListen: undefined };

/** Told of everything that happens in a run, until it is closed. */
export interface Telling {
  on(event: RunEvent): void;
  close(): Promise<void>;
}

export function addTellingFlags(command: Command): Command {
  return command
    .option("--log-format <format>", "how it goes, on standard error: text or json", "text")
    .option("--metrics-listen <host:port>", "serve /metrics there while it goes on");
}

/** @throws LoadError LL_FLAG_INVALID. */
export function tellingOf(flags: Readonly<Record<string, unknown>>): TellingOptions {
  const { logFormat, metricsListen } = flags;
  return {
    logFormat: typeof logFormat === "string" ? logFormatOf(logFormat) : "text",
    metricsListen: typeof metricsListen === "string" ? metricsAddressOf(metricsListen) : undefined,
  };
}

/** What was typed, without what is no part of a plan. @throws LoadError LL_FLAG_INVALID. */
export function apartTelling(typed: Readonly<Record<string, unknown>>): {
  readonly telling: TellingOptions;
  readonly flags: Readonly<Record<string, unknown>>;
} {
  const { logFormat, metricsListen, ...flags } = typed;
  return { telling: tellingOf({ logFormat, metricsListen }), flags };
}

/** @throws LoadError LL_METRICS_LISTEN. */
export async function startTelling(
  { logFormat, metricsListen }: TellingOptions,
  run: { readonly runId: string; readonly command: string; readonly version: string },
): Promise<Telling> {
  const { runId, command, version } = run;
  const metrics = new RunMetrics({ run: runId, command, version });
  const server = await serveMetrics(metricsListen, () => metrics.families());
  const log = openLog({ format: logFormat, level: "info", fields: { run: runId } });
  const progress = logFormat === "text" ? new Progress(process.stderr) : undefined;
  if (server !== undefined) log.info({ url: server.url }, "serves metrics");
  return {
    on: (event) => {
      metrics.take(event);
      if (progress === undefined) logRunEvent(log, event);
      else progress.on(event);
    },
    close: async () => {
      progress?.close();
      await server?.close();
    },
  };
}
