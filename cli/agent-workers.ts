import { availableParallelism } from "node:os";
import type { Logger } from "pino";
import { ExitCode, LoadError } from "../shared/errors.ts";
import { startAgentProcesses } from "./agent-processes.ts";
import { METRICS_LISTEN_FLAG, metricsFlagOf } from "./metrics-listen.ts";

/**
 * `loadline agent --workers N`: N agents of one operator, NAME-1 to NAME-N, each a process with its part of the
 * operator's bounds. They end with this process; when one ends by itself, so does the rest.
 *
 * The system gives each the core that is free: nobody is pinned (docs/decisions/0010-no-pinning.md).
 *
 * @param argv what was typed after `loadline agent`.
 */
export async function runWorkers(
  {
    agentId,
    workers,
    metricsListen,
    log,
  }: { agentId: string; workers: number; metricsListen: string | undefined; log: Logger },
  argv: readonly string[],
  end: Promise<void>,
): Promise<void> {
  const cores = availableParallelism();
  if (workers > cores)
    log.warn({ workers, cores }, "more workers than cores: they take turns, and send late");
  const own = ["--workers", "--id", METRICS_LISTEN_FLAG];
  const shared = [...withoutFlags(argv, own), "--worker-of", String(workers)];
  const metricsOf = (place: number): readonly string[] =>
    metricsListen === undefined ? [] : [METRICS_LISTEN_FLAG, metricsFlagOf(metricsListen, place)];
  const processes = startAgentProcesses(
    Array.from({ length: workers }, (_, place) => [
      ...shared,
      ...["--id", `${agentId}-${place + 1}`],
      ...metricsOf(place),
    ]),
    { environment: { LOADLINE_LOG: "info", ...process.env }, mayLeave: true },
  );
  try {
    await Promise.race([end, processes.failed, processes.left]);
  } catch (cause) {
    throw new LoadError(`one of ${workers} workers ended by itself, so the others end too`, {
      code: "LL_AGENT_WORKER_ENDED",
      hint: "its own words stand above; start the agent again once that is cured",
      exitCode: ExitCode.Unexpected,
      cause,
    });
  } finally {
    await processes.close();
  }
}

/** `--flag value` and `--flag=value` of each flag left out; every one of them has a value. */
export function withoutFlags(argv: readonly string[], flags: readonly string[]): readonly string[] {
  return argv.filter((word, place) => {
    const isFlag = flags.some((flag) => word === flag || word.startsWith(`${flag}=`));
    return !isFlag && !flags.includes(argv[place - 1] ?? "");
  });
}
