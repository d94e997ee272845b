import type { Fact } from "./facts.ts";
import { STYLE } from "./html-style.ts";
import { lines, markup, trusted, type Markup } from "./markup.ts";

/** One self-contained page: no script, no network (its own policy forbids both), every text escaped. */
export function htmlPage(title: string, body: readonly Markup[]): string {
  const page = lines([
    markup`<!doctype html>`,
    markup`<html lang="en">`,
    markup`<head>`,
    markup`<meta charset="utf-8">`,
    markup`<meta name="viewport" content="width=device-width, initial-scale=1">`,
    markup`<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'">`,
    markup`<title>${title}</title>`,
    markup`<style>${trusted(STYLE)}</style>`,
    markup`</head>`,
    markup`<body>`,
    ...body,
    markup`</body>`,
    markup`</html>`,
  ]);
  return `${page.markup}\n`;
}

/** A table in a box that scrolls by itself, so that the page never does. */
export function htmlTable(title: string, head: readonly Markup[], rows: readonly Markup[]): Markup {
  return lines([
    markup`<section aria-label="${title}"><h2>${title}</h2>`,
    markup`<div class="scroll" role="region" aria-label="${title}, table" tabindex="0"><table>`,
    markup`<thead><tr>${head}</tr></thead>`,
    markup`<tbody>`,
    ...rows,
    markup`</tbody></table></div></section>`,
  ]);
}

/** "n/a (needs 662)" is written small: it would make the table wider than its numbers do. */
export function numberCell(text: string): Markup {
  return text.startsWith("n/a")
    ? markup`<td class="number"><small>${text}</small></td>`
    : markup`<td class="number">${text}</td>`;
}

/** Facts as the entries of a `dl`. */
export function factEntries(facts: readonly Fact[]): readonly Markup[] {
  return facts.map((fact) => markup`<dt>${fact.about}</dt><dd>${fact.text}</dd>`);
}
