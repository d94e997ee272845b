import type { Command } from "commander";
import type { RecordedPlan } from "../coordinator/plan/recorded-plan.ts";
import { Rescore, type Rescored } from "../coordinator/rescore/rescore.ts";
import { rescoredDocument } from "../coordinator/show/rescored.ts";
import { readRequests } from "../coordinator/store/run-folder.ts";
import { ExitCode, LoadError } from "../shared/errors.ts";
import { parseSlo } from "../shared/slo/grammar.ts";
import { presetSlo } from "../shared/slo/presets.ts";
import type { Slo } from "../shared/slo/slo.ts";
import { flagInvalid } from "./flag-invalid.ts";
import { readPlan, readResultOfOne } from "./read-run.ts";
import { shownAs } from "./show-document.ts";
import { readVersion } from "./version.ts";
import { windowBoundsOf } from "./window-bounds.ts";

interface RescoreFlags {
  readonly slo?: readonly string[];
  readonly sloPreset?: string;
  readonly format: string;
  readonly json?: true;
}

/** Of the answer of a run that searched none. */
const CONFIDENCE = 0.95;

/** `loadline rescore RUN --slo …`: another SLO on the same records, without re-running. */
export function addRescoreCommand(program: Command): void {
  program
    .command("rescore")
    .description("judge a finished run by another SLO, without re-running")
    .argument("<run>", "the run's folder")
    .option("--slo <clause...>", 'the other SLO, e.g. "ttft p99 <= 300ms"')
    .option("--slo-preset <name>", "a well-known SLO instead")
    .option("--format <format>", "text, html, json or markdown", "text")
    .option("--json", "as --format json")
    .action(async (directory: string, flags: RescoreFlags) => {
      const rescored = await rescoreRun(directory, sloOf(flags));
      const shown = shownAs(flags.json === true ? "json" : flags.format, {
        document: rescoredDocument(rescored),
        json: rescored,
      });
      process.stdout.write(shown);
      process.exitCode = rescored.exitCode;
    });
}

function sloOf({ slo, sloPreset }: RescoreFlags): Slo {
  if ((slo === undefined) === (sloPreset === undefined)) {
    throw flagInvalid(
      slo === undefined ? "no SLO is given" : "--slo and --slo-preset are both given",
      'give --slo "ttft p99 <= 300ms", or --slo-preset NAME',
    );
  }
  return sloPreset === undefined ? parseSlo(slo ?? []) : presetSlo(sloPreset);
}

async function rescoreRun(directory: string, slo: Slo): Promise<Rescored> {
  const result = await readResultOfOne(directory);
  const plan = await readPlan(directory);
  requireRecords(directory, plan);
  const rescore = new Rescore({
    loadline: readVersion(),
    source: directory,
    result,
    slo,
    bounds: await windowBoundsOf(directory, result),
    confidence: result.maxRate?.confidence ?? CONFIDENCE,
  });
  for await (const request of readRequests(directory)) rescore.add(request);
  return rescore.finish();
}

function requireRecords(directory: string, { records }: RecordedPlan): void {
  if (records) return;
  throw new LoadError(`${directory} is to be judged anew, and it keeps no record of its requests`, {
    code: "LL_RESCORE_NO_RECORDS",
    hint: "measure again without --no-records",
    exitCode: ExitCode.PlanInvalid,
  });
}
