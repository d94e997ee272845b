import { columnsOf, TABLE_LEGEND } from "./columns.ts";
import { factsOf } from "./facts.ts";
import { headline } from "./headline.ts";
import type { Result } from "./result.ts";
import { VALIDITY_WORDS, validityLines } from "./validity-lines.ts";

/** The report as GitHub-flavoured Markdown, for a pull request or a wiki. */
export function renderMarkdown(result: Result): string {
  const blocks = [
    `## ${escapeMarkdown(result.name)}`,
    `**${escapeMarkdown(headline(result))}**`,
    validity(result),
    table(result),
    factsOf(result)
      .map((fact) => `- ${fact.about}: ${escapeMarkdown(fact.text)}`)
      .join("\n"),
  ];
  return `${blocks.filter((block) => block !== "").join("\n\n")}\n`;
}

function validity(result: Result): string {
  const { verdict } = result.validity;
  const title = `**${verdict.toUpperCase()}**: ${VALIDITY_WORDS[verdict]}.`;
  if (verdict === "valid") return title;
  // Two spaces end a line without ending the paragraph.
  return [`> ${title}`, ...validityLines(result).map((line) => `> ${escapeMarkdown(line)}`)].join(
    "  \n",
  );
}

function table(result: Result): string {
  if (result.probes.length === 0) return "";
  const columns = columnsOf(result);
  const row = (cells: readonly string[]): string => `| ${cells.join(" | ")} |`;
  return [
    row(columns.map((column) => column.title)),
    row(columns.map((column) => (column.numeric ? "---:" : "---"))),
    ...result.probes.map((probe) =>
      row(columns.map((column) => escapeMarkdown(column.cell(probe)))),
    ),
    "",
    TABLE_LEGEND,
  ].join("\n");
}

/** Text of others as text: no markup, no HTML, no line of its own. */
function escapeMarkdown(text: string): string {
  return text
    .replaceAll(/[\r\n]+/g, " ")
    .replaceAll("&", "&amp;")
    .replaceAll("<", "&lt;")
    .replaceAll(/[\\`*[\]|]/g, "\\$&");
}
