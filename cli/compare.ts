import { appendFile, writeFile } from "node:fs/promises";
import { basename, resolve } from "node:path";
import type { Command } from "commander";
import { compare } from "../coordinator/compare/comparison.ts";
import type { Contender } from "../coordinator/compare/contender.ts";
import { contenderOfRun } from "../coordinator/compare/from-run.ts";
import { atLeast, type Gate, noWorseThan } from "../coordinator/compare/gate.ts";
import { readTreatments } from "../coordinator/compare/likeness.ts";
import { comparePaired } from "../coordinator/compare/paired-comparison.ts";
import { type Quality, readQuality } from "../coordinator/compare/quality.ts";
import { readFraction } from "../coordinator/plan/quantities.ts";
import { contenderOfImported } from "../coordinator/imported/imported.ts";
import { comparisonDocument, comparisonJunit } from "../coordinator/show/comparison.ts";
import type { Document } from "../coordinator/show/document.ts";
import { pairedDocument, pairedJunit } from "../coordinator/show/paired.ts";
import { renderDocumentMarkdown } from "../coordinator/show/document-markdown.ts";
import type { Hardware } from "../coordinator/size/price.ts";
import type { ExitCode, LoadError } from "../shared/errors.ts";
import { readFlagFile } from "./flag-file.ts";
import { flagInvalid, valueOf } from "./flag-invalid.ts";
import { hardwareOfTexts } from "./hardware-flags.ts";
import { namedValues, splitNamed } from "./named-values.ts";
import { positiveFlag } from "./positive-flag.ts";
import { isFile, readImportedFile } from "./read-imported.ts";
import { readPlan, readValidResult, readValidWindows } from "./read-run.ts";
import { shownAs } from "./show-document.ts";
import { readVersion } from "./version.ts";

interface CompareFlags {
  /** `--no-worse-than`: commander takes the `no` for a negation, and true for the default. */
  readonly worseThan: string | true;
  readonly atLeast?: string;
  readonly treatment?: string;
  readonly quality?: readonly string[];
  readonly qualityMetric?: string;
  readonly price?: readonly string[];
  readonly gpus?: readonly string[];
  readonly against?: string;
  readonly format: string;
  readonly json?: true;
  readonly junit?: string;
  readonly stepSummary?: string;
}

/** `loadline compare BASELINE CANDIDATE…`: how much more traffic, with a verdict. */
export function addCompareCommand(program: Command): void {
  program
    .command("compare")
    .description("how much more traffic a candidate carries than a baseline, with a verdict")
    .argument("<baseline>", "a run's folder or another tool's result file; NAME=PATH names it")
    .argument("[candidates...]", "the same; none for a run that was measured with --against")
    .option("--no-worse-than <percent>", "PASS when it is shown to carry no more than this less")
    .option("--at-least <ratio>", "PASS when it is shown to carry this many times as much")
    .option("--treatment <trait,...>", "what is compared, and so may differ: model, lengths, …")
    .option("--quality <name=file...>", "results_*.json of lm-eval, for the quality column")
    .option("--quality-metric <key>", "METRIC,FILTER or TASK/METRIC,FILTER of those files")
    .option(
      "--price <price...>",
      "3.2/h for a replica, 3.2/gpu-h for each GPU of it; NAME=… for one run",
    )
    .option("--gpus <n...>", "GPUs of a replica, NAME=… for one run (default: 1)")
    .option("--format <format>", "text, html, json, markdown or junit", "text")
    .option("--json", "as --format json")
    .option("--junit <file>", "write JUnit XML there as well")
    .option(
      "--step-summary <file>",
      'append Markdown there as well, such as "$GITHUB_STEP_SUMMARY"',
    )
    .option("--against <url>", "belongs to `loadline run`, which measures")
    .action(async (baseline: string, candidates: readonly string[], flags: CompareFlags) => {
      process.exitCode = await compareRuns([baseline, ...candidates], flags);
    });
}

async function compareRuns(texts: readonly string[], flags: CompareFlags): Promise<ExitCode> {
  if (flags.against !== undefined) throw againstElsewhere();
  const [only, ...others] = texts;
  if (only !== undefined && others.length === 0) return await comparePairedRun(only, flags);
  const gates = gatesOf(flags);
  const treatments = flags.treatment === undefined ? [] : readTreatments(flags.treatment);
  const named = texts.map(namedRun);
  const names = named.map(({ name }) => name);
  requireDistinct(names);
  const hardwareOf = hardwareFrom(flags, names);
  const qualities = await qualitiesOf(flags, names);
  const [baseline, ...candidates] = await Promise.all(named.map(readContender));
  if (baseline === undefined)
    throw flagInvalid("no run is named", "give a baseline and a candidate");
  const comparison = compare({
    loadline: readVersion(),
    baseline,
    candidates,
    gates,
    treatments,
    hardwareOf,
    qualityOf: (name) => qualities.get(name),
  });
  await show(
    {
      document: comparisonDocument(comparison),
      json: comparison,
      junit: () => comparisonJunit(comparison, new Date().toISOString()),
    },
    flags,
  );
  return comparison.exitCode;
}

async function comparePairedRun(path: string, flags: CompareFlags): Promise<ExitCode> {
  const result = await readValidWindows(path);
  const { against } = result;
  if (against === undefined)
    throw flagInvalid(
      `${path} is to be compared with nothing, and it measured one endpoint`,
      "name a candidate behind it, or measure two with `loadline run --against URL`",
    );
  const comparison = comparePaired(result, {
    against,
    gates: gatesOf(flags),
    loadline: readVersion(),
  });
  await show(
    {
      document: pairedDocument(comparison),
      json: comparison,
      junit: () => pairedJunit(comparison, new Date().toISOString()),
    },
    flags,
  );
  return comparison.exitCode;
}

interface Shown {
  readonly document: Document;
  readonly json: unknown;
  readonly junit: () => string;
}

async function show({ document, json, junit }: Shown, flags: CompareFlags): Promise<void> {
  const shown = shownAs(flags.json === true ? "json" : flags.format, {
    document,
    json,
    more: { junit },
  });
  if (flags.junit !== undefined) await writeFile(flags.junit, junit());
  if (flags.stepSummary !== undefined) {
    await appendFile(flags.stepSummary, renderDocumentMarkdown(document));
  }
  process.stdout.write(shown);
}

function gatesOf(flags: CompareFlags): readonly Gate[] {
  const gates: Gate[] = [];
  if (flags.worseThan !== true) {
    const bounds = { min: 0, max: 0.99 };
    gates.push(noWorseThan(valueOf("--no-worse-than", readFraction(flags.worseThan, bounds))));
  }
  if (flags.atLeast !== undefined) gates.push(atLeast(positiveFlag("--at-least", flags.atLeast)));
  return gates;
}

interface NamedRun {
  readonly name: string;
  readonly path: string;
}

function namedRun(text: string): NamedRun {
  const named = splitNamed(text);
  return named === undefined
    ? { name: basename(resolve(text)), path: text }
    : { name: named.name, path: named.rest };
}

function requireDistinct(names: readonly string[]): void {
  const twin = names.find((name, index) => names.indexOf(name) !== index);
  if (twin === undefined) return;
  throw flagInvalid(
    `two runs are called ${twin}`,
    `give each a name of its own: ${twin}=FOLDER other=FOLDER`,
  );
}

async function readContender({ name, path }: NamedRun): Promise<Contender> {
  if (await isFile(path)) {
    return contenderOfImported(await readImportedFile(path), { name, source: path });
  }
  const result = await readValidResult(path);
  return contenderOfRun({ name, source: path, result, plan: await readPlan(path) });
}

function hardwareFrom(flags: CompareFlags, names: readonly string[]): (name: string) => Hardware {
  const priceOf = namedValues("--price", { texts: flags.price ?? [], names });
  const gpusOf = namedValues("--gpus", { texts: flags.gpus ?? [], names });
  const hardware = new Map(
    names.map((name) => [name, hardwareOfTexts(priceOf(name), gpusOf(name))] as const),
  );
  const currencies = new Set(
    [...hardware.values()].flatMap(({ pricePerHour, currency }) =>
      pricePerHour === null ? [] : [currency],
    ),
  );
  if (currencies.size > 1) {
    throw flagInvalid(
      `--price gives ${[...currencies].join(" and ")}, which cannot be compared`,
      "give every price in one currency",
    );
  }
  return (name) => hardware.get(name) ?? hardwareOfTexts(undefined, undefined);
}

async function qualitiesOf(
  flags: CompareFlags,
  names: readonly string[],
): Promise<ReadonlyMap<string, Quality>> {
  const fileOf = namedValues("--quality", { texts: flags.quality ?? [], names });
  const qualities = new Map<string, Quality>();
  for (const name of names) {
    const file = fileOf(name);
    if (file === undefined) continue;
    const text = await readFlagFile("--quality", file, "a results_*.json of lm-eval");
    qualities.set(name, readQuality(text, { key: flags.qualityMetric, place: file }));
  }
  return qualities;
}

function againstElsewhere(): LoadError {
  return flagInvalid(
    "`compare --against` is asked for, and compare sends nothing",
    "measure both with `loadline run --target URL --against URL --rate …`, and compare that run's folder",
  );
}
