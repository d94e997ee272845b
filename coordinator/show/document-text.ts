import { blocksWithContent, type Block, type Document, type TableBlock } from "./document.ts";
import type { Fact } from "./facts.ts";
import {
  alignedLines,
  MARK_STYLES,
  type Painter,
  painterOf,
  printable,
  type TerminalOptions,
} from "./paint.ts";

/** A document for the terminal: tables to paste, and what they mean. Ends with a line break. */
export function renderDocumentText(document: Document, options: TerminalOptions = {}): string {
  const paint = painterOf(options);
  const blocks = [
    paint("bold", printable(document.headline)),
    ...blocksWithContent(document.blocks).map((block) => blockLines(block, paint).join("\n")),
  ];
  return `${blocks.join("\n\n")}\n`;
}

function blockLines(block: Block, paint: Painter): string[] {
  switch (block.kind) {
    case "table":
      return tableLines(block, paint);
    case "facts":
      return factLines(block.facts, paint);
    case "warning":
      return [
        `┌─ ${paint("yellow", "READ WITH CARE")}`,
        ...block.lines.map((line) => `│ ${printable(line)}`),
        "└─",
      ];
  }
}

function tableLines({ title, columns, rows, note }: TableBlock, paint: Painter): string[] {
  const [head = "", ...lines] = alignedLines(
    columns,
    rows.map(({ cells }) => cells.map(printable)),
  );
  const painted = lines.map((line, index) => {
    const mark = rows[index]?.mark;
    return mark === undefined ? line : paint(MARK_STYLES[mark], line);
  });
  return [
    title,
    paint("dim", head),
    ...painted,
    ...(note === undefined ? [] : [paint("dim", note)]),
  ];
}

function factLines(facts: readonly Fact[], paint: Painter): string[] {
  const width = Math.max(...facts.map(({ about }) => about.length));
  return facts.map(({ about, text }) => `${paint("dim", about.padEnd(width))}  ${printable(text)}`);
}
