import assert from "node:assert/strict";
import { readFileSync, writeFileSync } from "node:fs";
import { test } from "node:test";
import { renderCsv } from "../../../coordinator/show/csv.ts";
import { renderHtml } from "../../../coordinator/show/html.ts";
import { renderJson } from "../../../coordinator/show/json.ts";
import { renderJunit } from "../../../coordinator/show/junit.ts";
import { renderMarkdown } from "../../../coordinator/show/markdown.ts";
import { probeLine } from "../../../coordinator/show/progress.ts";
import type { Result } from "../../../coordinator/show/result.ts";
import { renderTerminal } from "../../../coordinator/show/terminal.ts";
import { found, hopeless, observed, twoRates } from "./results.ts";

const RESULTS = { found, "two-rates": twoRates, hopeless, observed };

const RENDERERS = {
  "terminal.txt": (result) => renderTerminal(result),
  "color.txt": (result) => renderTerminal(result, { color: true }),
  "progress.txt": (result) => result.probes.map((probe) => `${probeLine(probe)}\n`).join(""),
  "result.json": renderJson,
  "probes.csv": renderCsv,
  "report.md": renderMarkdown,
  "junit.xml": renderJunit,
  "report.html": renderHtml,
} satisfies Record<string, (result: Result) => string>;

for (const [resultName, result] of Object.entries(RESULTS)) {
  for (const [rendererName, render] of Object.entries(RENDERERS)) {
    test(`${resultName} as ${rendererName} is as it was approved`, () => {
      const path = new URL(`${resultName}.${rendererName}`, import.meta.url);
      const rendered = render(result);
      // UPDATE_GOLDEN=1 approves what is written now; read the difference before committing it.
      if (process.env["UPDATE_GOLDEN"] === "1") writeFileSync(path, rendered);
      assert.equal(rendered, readFileSync(path, "utf8"));
    });
  }
}
