import type { Imported } from "../imported/imported-run.ts";
import { type Document, numbers, words } from "./document.ts";
import { count, ms, NOTHING, plural, rate } from "./format.ts";

/** Another tool's result as a document of `loadline report`: marked as theirs, with what it cannot say. */
export function importedDocument(imported: Imported, name: string): Document {
  const { tool, model, windows, limits } = imported;
  return {
    command: "report",
    name,
    headline: `${plural(windows.length, "window")} measured by ${tool}, not by Loadline: ${model}.`,
    blocks: [
      { kind: "warning", lines: [`figures of ${tool}, taken as they are`, ...limits] },
      {
        kind: "table",
        title: "Windows",
        columns: [
          words("load"),
          ...["requests/s", "requests", "failed", "TTFT p50", "TTFT p95", "TTFT p99"].map(numbers),
          ...["ITL p50", "ITL p99", "E2E p50", "E2E p99", "tokens/s"].map(numbers),
        ],
        rows: windows.map((window) => ({
          cells: [
            window.load,
            rate(window.requestsPerSecond),
            count(window.okCount + window.failedCount),
            count(window.failedCount),
            ...[window.ttftMs.p50, window.ttftMs.p95, window.ttftMs.p99].map(time),
            ...[window.itlMs.p50, window.itlMs.p99, window.e2eMs.p50, window.e2eMs.p99].map(time),
            window.outputTokensPerRequest === null
              ? NOTHING
              : rate(window.outputTokensPerRequest * window.requestsPerSecond),
          ],
        })),
        note: "Times in ms, from the sent instant; ITL is a request's mean time per output token. What the file does not tell is “–”.",
      },
    ],
  };
}

function time(value: number | null): string {
  return value === null ? NOTHING : ms(value);
}
