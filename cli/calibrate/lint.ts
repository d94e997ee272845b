import type { Command } from "commander";
import { lint } from "../../coordinator/calibrate/lint/lint.ts";
import { lintText } from "../../coordinator/calibrate/lint/lint-text.ts";
import { printable } from "../../coordinator/show/paint.ts";
import { ExitCode } from "../../shared/errors.ts";
import { readFlagFile } from "../flag-file.ts";
import { positiveFlag } from "../positive-flag.ts";
import { flagInvalid } from "../flag-invalid.ts";

interface LintFlags {
  readonly calibration?: string;
  readonly knee?: string;
  readonly json?: true;
}

/** `loadline calibrate lint FILE`: the traps of other people's manifests, and of ours. */
export function addLintCommand(calibrateCommand: Command): void {
  calibrateCommand
    .command("lint")
    .description("rules A to H on autoscaler manifests; exit 99 when one is broken")
    .argument("<file>", "YAML, one document or several")
    .option("--calibration <file>", "calibration.json, for rule H")
    .option("--knee <n>", "instead: the most requests of one replica within the SLO")
    .option("--json", "the findings on standard output, and nothing else there")
    .action(async (file: string, flags: LintFlags) => {
      const text = await readFlagFile("FILE", file, "a YAML file");
      const report = lint(text, { file, knee: await kneeOf(flags) });
      process.stdout.write(
        flags.json === true
          ? `${JSON.stringify(report, undefined, 2)}\n`
          : lintText(report).split("\n").map(printable).join("\n"),
      );
      process.exitCode = report.findingCount === 0 ? ExitCode.Done : ExitCode.GateFailed;
    });
}

async function kneeOf({ calibration, knee }: LintFlags): Promise<number | undefined> {
  if (knee !== undefined) return positiveFlag("--knee", knee);
  if (calibration === undefined) return undefined;
  const text = await readFlagFile("--calibration", calibration, "a calibration.json");
  const found = kneeIn(text);
  if (found !== undefined) return found;
  throw flagInvalid(
    `--calibration names ${calibration}, which is no loadline/calibration@1`,
    "give the calibration.json that `loadline calibrate RUN --out DIR` wrote",
  );
}

function kneeIn(text: string): number | undefined {
  try {
    const value = JSON.parse(text) as { schema?: unknown; target?: { knee?: unknown } } | null;
    const knee = value?.schema === "loadline/calibration@1" ? value.target?.knee : undefined;
    return typeof knee === "number" ? knee : undefined;
  } catch {
    return undefined;
  }
}
