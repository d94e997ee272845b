import { basename, resolve } from "node:path";
import type { Command } from "commander";
import { contenderOfRun } from "../coordinator/compare/from-run.ts";
import {
  readDurationS,
  readFraction,
  readRate,
  readWhole,
} from "../coordinator/plan/quantities.ts";
import { sizingDocument } from "../coordinator/show/sizing.ts";
import { readForecast } from "../coordinator/forecast/forecast.ts";
import { headroomFraction } from "../coordinator/calibrate/headroom.ts";
import type { Redundancy } from "../coordinator/size/replicas.ts";
import { size, type SizingOptions } from "../coordinator/size/sizing.ts";
import { readFlagFile } from "./flag-file.ts";
import { flagInvalid, valueOf } from "./flag-invalid.ts";
import { growthFlag } from "./growth-flag.ts";
import { hardwareOfTexts } from "./hardware-flags.ts";
import { addKvFlags, type KvFlags, kvCacheOf } from "./kv-flags.ts";
import { positiveFlag } from "./positive-flag.ts";
import { readPlan, readValidResult } from "./read-run.ts";
import { shownAs } from "./show-document.ts";
import { readVersion } from "./version.ts";

interface SizeFlags extends KvFlags {
  readonly peak?: string;
  readonly promptTokens?: string;
  readonly outputTokens?: string;
  readonly forecast?: string;
  readonly price?: string;
  readonly gpus?: string;
  readonly spare?: string;
  readonly zones?: string;
  readonly headroom?: string;
  readonly growth?: string;
  readonly startup?: string;
  readonly format: string;
  readonly json?: true;
}

/** `loadline size RUN`: replicas, what they cost, and what the KV cache allows. */
export function addSizeCommand(program: Command): void {
  const command = program
    .command("size")
    .description("how many replicas a load takes, and what they cost")
    .argument("<run>", "the folder of a search on one replica")
    .option("--peak <rate>", "the highest load, such as 400rps")
    .option("--prompt-tokens <mean>", "of the peak's requests, where they differ from the run's")
    .option("--output-tokens <mean>", "the same")
    .option("--forecast <file>", "instead: CSV with time,requests_per_second")
    .option("--spare <n>", "replicas that may be lost at the peak (default: 1)")
    .option("--zones <n>", "instead: zones, one of which may be lost")
    .option("--headroom <percent>", "of a replica's maximum rate, kept free (default: 0%)")
    .option("--growth <percent/time>", "instead: growth to survive, such as 20%/min …")
    .option("--startup <duration>", "… while another replica starts, such as 138s")
    .option("--price <price>", "3.2/h for a replica, 3.2/gpu-h for each GPU of it")
    .option("--gpus <n>", "GPUs of a replica (default: 1)")
    .option("--format <format>", "text, html, json or markdown", "text")
    .option("--json", "as --format json");
  addKvFlags(command).action(async (directory: string, flags: SizeFlags) => {
    process.stdout.write(await sizingOf(directory, flags));
  });
}

async function sizingOf(directory: string, flags: SizeFlags): Promise<string> {
  const asked = {
    ...(await loadsOf(flags)),
    ...plannedOf(flags),
    redundancy: redundancyOf(flags),
    hardware: hardwareOfTexts(flags.price, flags.gpus),
    kv: await kvCacheOf(flags),
  };
  const result = await readValidResult(directory);
  const run = contenderOfRun({
    name: basename(resolve(directory)),
    source: directory,
    result,
    plan: await readPlan(directory),
  });
  const sizing = size({
    loadline: readVersion(),
    run,
    kneePerSecond: result.knee?.requestsPerSecond ?? null,
    ...asked,
  });
  return shownAs(flags.json === true ? "json" : flags.format, {
    document: sizingDocument(sizing),
    json: sizing,
  });
}

async function loadsOf(flags: SizeFlags): Promise<Pick<SizingOptions, "loads" | "stepS">> {
  const { peak, forecast } = flags;
  if ((peak === undefined) === (forecast === undefined)) {
    throw flagInvalid(
      peak === undefined ? "no load is given" : "--peak and --forecast are both given",
      "give --peak 400rps, or --forecast FILE",
    );
  }
  if (forecast !== undefined) {
    const text = await readFlagFile("--forecast", forecast, "a forecast in CSV");
    const { steps, stepS } = readForecast(text, { place: forecast, spacing: "even" });
    return { loads: steps, stepS };
  }
  const requestsPerSecond = valueOf("--peak", readRate(peak ?? ""));
  const perSecond = (flag: string, text: string | undefined): number | null =>
    text === undefined ? null : positiveFlag(flag, text) * requestsPerSecond;
  const load = {
    time: null,
    requestsPerSecond,
    promptTokensPerSecond: perSecond("--prompt-tokens", flags.promptTokens),
    outputTokensPerSecond: perSecond("--output-tokens", flags.outputTokens),
  };
  return { loads: [load], stepS: null };
}

const DAY_S = 86_400;

function plannedOf(flags: SizeFlags): Pick<SizingOptions, "plannedPart" | "plannedWhy"> {
  const { headroom, growth, startup } = flags;
  if ((growth === undefined) !== (startup === undefined)) {
    throw flagInvalid(
      `--${growth === undefined ? "startup" : "growth"} is given without --${growth === undefined ? "growth" : "startup"}`,
      "give both, such as --growth 20%/min --startup 138s",
    );
  }
  if (growth !== undefined && startup !== undefined) {
    if (headroom !== undefined) {
      throw flagInvalid("--headroom and --growth are both given", "give one of the two");
    }
    const reactionS = valueOf("--startup", readDurationS(startup, { min: 0, max: DAY_S }));
    const plannedPart = headroomFraction(growthFlag(growth), reactionS);
    const why = `${Number((100 * (1 - plannedPart)).toFixed(1))} %: growth of ${growth} while another replica takes ${startup} to serve, 1 / (1 + growth × time)`;
    return { plannedPart, plannedWhy: why };
  }
  if (headroom === undefined) {
    return { plannedPart: 1, plannedWhy: "none: neither --headroom nor --growth is given" };
  }
  const free = valueOf("--headroom", readFraction(headroom, { min: 0, max: 0.95 }));
  return { plannedPart: Number((1 - free).toFixed(12)), plannedWhy: `${headroom}, as asked for` };
}

function redundancyOf({ spare, zones }: SizeFlags): Redundancy {
  if (zones === undefined) {
    const replicas =
      spare === undefined ? 1 : valueOf("--spare", readWhole(spare, { min: 0, max: 10_000 }));
    return { kind: "spare", replicas };
  }
  if (spare !== undefined) {
    throw flagInvalid("--spare and --zones are both given", "give one of the two");
  }
  return { kind: "zones", zones: valueOf("--zones", readWhole(zones, { min: 2, max: 100 })) };
}
