import { basename } from "node:path";
import type { Command } from "commander";
import { replayFolder, resultOfReplay } from "../coordinator/main.ts";
import { renderCsv } from "../coordinator/show/csv.ts";
import { renderHtml } from "../coordinator/show/html.ts";
import { importedDocument } from "../coordinator/show/imported.ts";
import { renderJson } from "../coordinator/show/json.ts";
import { renderJunit } from "../coordinator/show/junit.ts";
import { renderMarkdown } from "../coordinator/show/markdown.ts";
import type { Result } from "../coordinator/show/result.ts";
import { renderTerminal } from "../coordinator/show/terminal.ts";
import { readRunFile } from "../coordinator/store/run-folder.ts";
import { ExitCode, LoadError } from "../shared/errors.ts";
import { isFile, readImportedFile } from "./read-imported.ts";
import { readResult } from "./read-run.ts";
import { shownAs } from "./show-document.ts";
import { readVersion } from "./version.ts";

const RENDERERS: Readonly<Record<string, (result: Result) => string>> = {
  text: (result) => renderTerminal(result, { color: false }),
  html: renderHtml,
  json: renderJson,
  csv: renderCsv,
  markdown: renderMarkdown,
  junit: renderJunit,
};

/** `loadline report RUN`: a finished run again, in another form. */
export function addReportCommand(program: Command): void {
  program
    .command("report")
    .description("show a finished run again")
    .argument("<run>", "the run's folder, or another tool's result file")
    .option("--format <format>", "text, html, json, csv, markdown, junit or hlog", "text")
    .option(
      "--replay",
      "work the result out anew from log.jsonl and intervals.bin, also of a run that was killed",
    )
    .action(async (directory: string, flags: ReportFlags) => {
      process.stdout.write(await reportOf(directory, flags));
    });
}

interface ReportFlags {
  readonly format: string;
  readonly replay?: true;
}

async function reportOf(directory: string, { format, replay }: ReportFlags): Promise<string> {
  if (await isFile(directory)) return await importedReportOf(directory, format);
  if (format === "hlog") return readRunFile(directory, "histograms.hlog");
  const render = RENDERERS[format];
  if (render === undefined) {
    throw new LoadError(`--format is ${format}, and there is no such format`, {
      code: "LL_FLAG_INVALID",
      hint: `give one of ${[...Object.keys(RENDERERS), "hlog"].join(", ")}`,
      exitCode: ExitCode.PlanInvalid,
    });
  }
  return render(replay === true ? await replayResult(directory) : await readResult(directory));
}

/** Another tool's result file. */
async function importedReportOf(path: string, format: string): Promise<string> {
  const imported = await readImportedFile(path);
  const document = importedDocument(imported, basename(path));
  return shownAs(format, { document, json: imported });
}

async function replayResult(directory: string): Promise<Result> {
  return resultOfReplay(await replayFolder(directory, readVersion()));
}
