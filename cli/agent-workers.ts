import { availableParallelism } from "node:os";
import type { Logger } from "pino";
import { ExitCode, LoadError } from "../shared/errors.ts";
import { startAgentProcesses } from "./agent-processes.ts";

/**
 * `loadline agent --workers N`: N agents of one operator, NAME-1 to NAME-N, each a process with its part of the
 * operator's bounds. They end with this process; when one ends by itself, so does the rest.
 *
 * The system gives each the core that is free: nobody is pinned (docs/decisions/0010-no-pinning.md).
 *
 * @param argv what was typed after `loadline agent`.
 */
export async function runWorkers(
  { agentId, workers, log }: { agentId: string; workers: number; log: Logger },
  argv: readonly string[],
  end: Promise<void>,
): Promise<void> {
  const cores = availableParallelism();
  if (workers > cores)
    log.warn({ workers, cores }, "more workers than cores: they take turns, and send late");
  const shared = [...withoutFlags(argv, ["--workers", "--id"]), "--worker-of", String(workers)];
  const processes = startAgentProcesses(
    Array.from({ length: workers }, (_, place) => [...shared, "--id", `${agentId}-${place + 1}`]),
    { environment: process.env, mayLeave: true },
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
