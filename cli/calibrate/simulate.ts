import { basename, dirname } from "node:path";
import type { Command } from "commander";
import { calibrate } from "../../coordinator/calibrate/calibration.ts";
import { type Forecast, readForecast } from "../../coordinator/forecast/forecast.ts";
import { readTrace } from "../../coordinator/forecast/trace.ts";
import { type Replay, replay } from "../../coordinator/calibrate/replay.ts";
import { replayJson } from "../../coordinator/calibrate/replay-json.ts";
import { replayPage } from "../../coordinator/calibrate/replay-page.ts";
import { replayText } from "../../coordinator/calibrate/replay-text.ts";
import { readRule } from "../../coordinator/calibrate/scaling-rule.ts";
import { readWhole } from "../../coordinator/plan/quantities.ts";
import { printable } from "../../coordinator/show/paint.ts";
import { ExitCode } from "../../shared/errors.ts";
import { readFlagFile } from "../flag-file.ts";
import { readResultOfOne } from "../read-run.ts";
import { flagInvalid, valueOf } from "../flag-invalid.ts";
import { addDelayFlags, calibrationOptionsOf, type DelayFlags, replicaBoundsOf } from "./flags.ts";
import { writeFiles } from "./write-files.ts";

interface SimulateFlags extends DelayFlags {
  readonly forecast?: string;
  readonly trace?: string;
  readonly rule?: readonly string[];
  readonly seed: string;
  readonly out?: string;
  readonly json?: true;
}

const SEED = { min: 0, max: Number.MAX_SAFE_INTEGER };

/** `loadline calibrate simulate RUN`: what the number would have done on a day's load. */
export function addSimulateCommand(calibrateCommand: Command): void {
  addDelayFlags(calibrateCommand.command("simulate"))
    .description("replay a forecast against the measured curve, with the autoscaler's arithmetic")
    .argument("<run>", "the run's folder")
    .option("--forecast <file>", "CSV of time,rate")
    .option("--trace <file>", "instead: CSV with the instant of one request a line")
    .option("--rule <signal=number...>", "to compare with, e.g. waiting=5 or gpu=80%")
    .option("--seed <n>", "of the noise in what is scraped", "1")
    .option("--out <file.html>", "the picture, as one page")
    .option("--json", "the outcome on standard output, and nothing else there")
    .action(async (directory: string, flags: SimulateFlags) => {
      process.exitCode = await simulateRun(directory, flags);
    });
}

async function simulateRun(directory: string, flags: SimulateFlags): Promise<ExitCode> {
  const options = calibrationOptionsOf(flags);
  const rules = (flags.rule ?? []).map((text) => valueOf("--rule", readRule(text)));
  const forecast = await forecastOf(flags);
  const result = await readResultOfOne(directory);
  const replayed = replay(result, calibrate(result, options), {
    forecast,
    rules,
    ...replicaBoundsOf(flags),
    seed: valueOf("--seed", readWhole(flags.seed, SEED)),
  });
  if ("unmeasured" in replayed)
    throw flagInvalid(
      `--rule names ${replayed.unmeasured}, which the run did not measure`,
      "measure with --server-metrics, or compare with in-flight, gpu or throughput",
    );
  if (flags.out !== undefined) await writePage(flags.out, replayed, result.name);
  process.stdout.write(
    flags.json === true
      ? `${JSON.stringify(replayJson(replayed), undefined, 2)}\n`
      : replayText(replayed).split("\n").map(printable).join("\n"),
  );
  return replayed.simulations[0]?.meetsSlo === true ? ExitCode.Done : ExitCode.GateFailed;
}

async function forecastOf({ forecast, trace }: SimulateFlags): Promise<Forecast> {
  if (forecast !== undefined && trace === undefined) {
    return readForecast(await readFlagFile("--forecast", forecast, "a CSV of time,rate"), {
      place: forecast,
      spacing: "loose",
    });
  }
  if (trace !== undefined && forecast === undefined)
    return readTrace(await readFlagFile("--trace", trace, "a CSV of instants"), trace);
  throw flagInvalid(
    forecast === undefined ? "there is no load to replay" : "--forecast and --trace are both given",
    "give either --forecast FILE or --trace FILE",
  );
}

async function writePage(path: string, replayed: Replay, run: string): Promise<void> {
  const title = `${run} under a load of ${Math.round(replayed.forecast.durationS / 3_600)} hours`;
  await writeFiles(dirname(path), [{ name: basename(path), text: replayPage(replayed, title) }]);
}
