import {
  blocksWithContent,
  type Block,
  type Document,
  type DocumentColumn,
  type TableBlock,
} from "./document.ts";
import { factEntries, htmlPage, htmlTable, numberCell } from "./html-page.ts";
import { lines, markup, NO_MARKUP, type Markup } from "./markup.ts";

/** A document as one self-contained page. */
export function renderDocumentHtml(document: Document): string {
  const { command, name, headline } = document;
  return htmlPage(headline, [
    markup`<header><p>Loadline ${command} · ${name}</p><h1>${headline}</h1></header>`,
    markup`<main>`,
    ...blocksWithContent(document.blocks).map(blockMarkup),
    markup`</main>`,
  ]);
}

function blockMarkup(block: Block): Markup {
  switch (block.kind) {
    case "table":
      return tableMarkup(block);
    case "facts":
      return markup`<section aria-label="Details"><h2>Details</h2><dl>${factEntries(block.facts)}</dl></section>`;
    case "warning":
      return markup`<section class="validity suspect" aria-label="Warnings"><strong>read with care</strong><ul>${block.lines.map((line) => markup`<li>${line}</li>`)}</ul></section>`;
  }
}

function tableMarkup({ title, columns, rows, note }: TableBlock): Markup {
  const head = columns.map(
    (column) =>
      markup`<th scope="col" class="${column.numeric ? "number" : "text"}">${column.title}</th>`,
  );
  const body = rows.map(
    ({ cells, mark }) =>
      markup`<tr class="${mark ?? "none"}">${cells.map((cell, index) => cellMarkup(cell, columns[index], mark))}</tr>`,
  );
  return lines([
    htmlTable(title, head, body),
    note === undefined ? NO_MARKUP : markup`<p class="note">${note}</p>`,
  ]);
}

function cellMarkup(
  cell: string,
  column: DocumentColumn | undefined,
  mark: TableBlock["rows"][number]["mark"],
): Markup {
  if (column?.numeric === true) return numberCell(cell);
  return column?.title === "verdict" && mark !== undefined
    ? markup`<td class="word ${mark}">${cell}</td>`
    : markup`<td>${cell}</td>`;
}
