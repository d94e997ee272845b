import { blocksWithContent, type Block, type Document } from "./document.ts";
import { escapeMarkdown, factLines, markdownTable } from "./markdown.ts";

/** A document as GitHub-flavoured Markdown, for a pull request or a job's summary. */
export function renderDocumentMarkdown(document: Document): string {
  const blocks = [
    `## ${escapeMarkdown(document.name)}`,
    `**${escapeMarkdown(document.headline)}**`,
    ...blocksWithContent(document.blocks).map(blockText),
  ];
  return `${blocks.join("\n\n")}\n`;
}

function blockText(block: Block): string {
  switch (block.kind) {
    case "table": {
      const { title, columns, rows, note } = block;
      const table = markdownTable(
        columns,
        rows.map(({ cells }) => cells),
      );
      return [`### ${title}`, "", ...table, ...(note === undefined ? [] : ["", note])].join("\n");
    }
    case "facts":
      return factLines(block.facts);
    case "warning":
      // Two spaces end a line without ending the paragraph.
      return [
        "> **READ WITH CARE**",
        ...block.lines.map((line) => `> ${escapeMarkdown(line)}`),
      ].join("  \n");
  }
}
