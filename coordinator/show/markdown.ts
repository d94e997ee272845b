import { columnsOf, TABLE_LEGEND } from "./columns.ts";
import { type Fact, factsOf } from "./facts.ts";
import { headline } from "./headline.ts";
import type { Result } from "./result.ts";
import { validityLines, validityWords } from "./validity-lines.ts";

/** The report as GitHub-flavoured Markdown, for a pull request or a wiki. */
export function renderMarkdown(result: Result): string {
  const blocks = [
    `## ${escapeMarkdown(result.name)}`,
    `**${escapeMarkdown(headline(result))}**`,
    validity(result),
    table(result),
    factLines(factsOf(result)),
  ];
  return `${blocks.filter((block) => block !== "").join("\n\n")}\n`;
}

export function factLines(facts: readonly Fact[]): string {
  return facts.map((fact) => `- ${fact.about}: ${escapeMarkdown(fact.text)}`).join("\n");
}

function validity(result: Result): string {
  const { verdict } = result.validity;
  const title = `**${verdict.toUpperCase()}**: ${validityWords(result)}.`;
  if (verdict === "valid") return title;
  // Two spaces end a line without ending the paragraph.
  return [`> ${title}`, ...validityLines(result).map((line) => `> ${escapeMarkdown(line)}`)].join(
    "  \n",
  );
}

function table(result: Result): string {
  if (result.probes.length === 0) return "";
  const columns = columnsOf(result);
  const rows = result.probes.map((probe) => columns.map((column) => column.cell(probe)));
  return [...markdownTable(columns, rows), "", TABLE_LEGEND].join("\n");
}

/** The lines of a table; its cells are text of others, its titles ours. */
export function markdownTable(
  columns: readonly { readonly title: string; readonly numeric: boolean }[],
  rows: readonly (readonly string[])[],
): string[] {
  const row = (cells: readonly string[]): string => `| ${cells.join(" | ")} |`;
  return [
    row(columns.map((column) => column.title)),
    row(columns.map((column) => (column.numeric ? "---:" : "---"))),
    ...rows.map((cells) => row(cells.map(escapeMarkdown))),
  ];
}

/** Text of others as text: no markup, no HTML, no line of its own. */
export function escapeMarkdown(text: string): string {
  return text
    .replaceAll(/[\r\n]+/g, " ")
    .replaceAll("&", "&amp;")
    .replaceAll("<", "&lt;")
    .replaceAll(/[\\`*[\]|]/g, "\\$&");
}
