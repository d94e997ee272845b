import { existsSync } from "node:fs";
import { join } from "node:path";
import type { Command } from "commander";
import { conclude, replayFolder } from "../coordinator/main.ts";
import { natsFleetLink } from "../coordinator/link/nats-link.ts";
import type { RecordedPlan } from "../coordinator/plan/recorded-plan.ts";
import type { Result } from "../coordinator/show/result.ts";
import { RESULT_FILE } from "../coordinator/store/run-folder.ts";
import { assertNotWritten } from "../coordinator/store/run-lock.ts";
import { ExitCode, LoadError } from "../shared/errors.ts";
import { joinFleet } from "./join-fleet.ts";
import { printResult } from "./measure.ts";
import { onAgents } from "./on-agents.ts";
import { resolvedAgainstOf, resolvedTargetOf } from "./resolved-target.ts";
import { addTellingFlags, type TellingOptions, tellingOf } from "./telling.ts";
import { readVersion } from "./version.ts";

/** `loadline resume RUN`: goes on with a run whose coordinator was killed, or that its user interrupted. */
export function addResumeCommand(program: Command): void {
  addTellingFlags(program.command("resume"))
    .description("go on with a killed run")
    .argument("<run>", "the run's folder")
    .option("--json", "the result on standard output, nothing else there")
    .action(async (directory: string, flags: Readonly<Record<string, unknown>>) => {
      const result = await resume(directory, tellingOf(flags));
      process.exitCode = printResult(result, flags["json"] === true);
    });
}

async function resume(directory: string, telling: TellingOptions): Promise<Result> {
  const version = readVersion();
  await assertNotWritten(directory);
  const replayed = await replayFolder(directory, version);
  const { plan, ledger } = replayed;
  if (ledger.decided !== undefined) {
    if (existsSync(join(directory, RESULT_FILE))) throw finished(directory);
    const result = await conclude(replayed, ledger.decided);
    await freeAgents(plan);
    return result;
  }
  process.stderr.write(
    `loadline: ${directory} is replayed: ${ledger.driven.length} segments; the one in flight is repeated\n`,
  );
  // The target serves what it served: the model is not asked for again.
  const target = await resolvedTargetOf({ ...plan, target: { ...plan.target, model: plan.model } });
  return await onAgents({
    plan,
    telling,
    target,
    against: await resolvedAgainstOf(plan, plan.againstModel),
    directory,
    version,
    runId: plan.runId,
    replayed,
  });
}

/** The agents of a fleet outlive their coordinator, and wait for the next. */
async function freeAgents({ placement, runId }: RecordedPlan): Promise<void> {
  if (placement.kind !== "fleet") return;
  const { connection, name: fleet } = await joinFleet(placement);
  try {
    natsFleetLink({ connection, fleet }).publishAbort({ runId, reason: "the run is over" });
    await connection.flush();
  } finally {
    await connection.close();
  }
}

function finished(directory: string): LoadError {
  return new LoadError(`the run in ${directory} is to be resumed, and it is over`, {
    code: "LL_RUN_FINISHED",
    hint: "show it with `loadline report`, or measure again into another folder",
    exitCode: ExitCode.PlanInvalid,
  });
}
