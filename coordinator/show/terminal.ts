import { columnsOf, TABLE_LEGEND, type Column } from "./columns.ts";
import { factsOf } from "./facts.ts";
import { headline } from "./headline.ts";
import type { ProbeView, Result } from "./result.ts";
import { VALIDITY_WORDS, validityLines } from "./validity-lines.ts";

export interface TerminalOptions {
  /** ANSI colours; off by default. */
  readonly color?: boolean;
}

const STYLES = { bold: "1", dim: "2", red: "31", green: "32", yellow: "33" } as const;
type Style = keyof typeof STYLES;
type Painter = (style: Style, text: string) => string;

/** The answer, the table to paste, whether to trust it, and where the files are. Ends with a line break. */
export function renderTerminal(result: Result, options: TerminalOptions = {}): string {
  const paint: Painter =
    options.color === true ? (style, text) => `\u001b[${STYLES[style]}m${text}\u001b[0m` : plain;
  const blocks = [
    [paint("bold", printable(headline(result)))],
    result.probes.length === 0 ? [] : [...table(result, paint), paint("dim", TABLE_LEGEND)],
    validityBox(result, paint),
    facts(result, paint),
    files(result),
  ];
  return `${blocks
    .filter((lines) => lines.length > 0)
    .map((lines) => lines.join("\n"))
    .join("\n\n")}\n`;
}

function plain(_style: Style, text: string): string {
  return text;
}

/** Model names, agent ids and reasons come from elsewhere: an escape sequence in one must not reach a terminal. */
export function printable(text: string): string {
  return text.replaceAll(/\p{Cc}/gu, "�");
}

function table(result: Result, paint: Painter): string[] {
  const columns = columnsOf(result);
  const rows = result.probes.map((probe) => columns.map((column) => column.cell(probe)));
  const widths = columns.map((column, index) =>
    Math.max(column.title.length, ...rows.map((row) => row[index]?.length ?? 0)),
  );
  const line = (cells: readonly string[]): string =>
    columns
      .map((column, index) => pad(column, cells[index] ?? "", widths[index] ?? 0))
      .join("  ")
      .trimEnd();
  return [
    paint("dim", line(columns.map((column) => column.title))),
    ...rows.map((row, index) => paintRow(line(row), result.probes[index], paint)),
  ];
}

function pad(column: Column, text: string, width: number): string {
  return column.numeric ? text.padStart(width) : text.padEnd(width);
}

function paintRow(text: string, probe: ProbeView | undefined, paint: Painter): string {
  if (probe?.validity.verdict === "invalid") return paint("dim", text);
  switch (probe?.verdict) {
    case "met":
      return paint("green", text);
    case "violated":
      return paint("red", text);
    case "undecided":
      return paint("yellow", text);
    case null:
    case undefined:
      return text;
  }
}

function validityBox(result: Result, paint: Painter): string[] {
  const { verdict } = result.validity;
  const words = VALIDITY_WORDS[verdict];
  if (verdict === "valid") return [`${paint("green", "VALID")}: ${words}.`];
  const title = paint(verdict === "invalid" ? "red" : "yellow", verdict.toUpperCase());
  return [
    `┌─ ${title}: ${words}`,
    ...validityLines(result).map((line) => `│ ${printable(line)}`),
    "└─",
  ];
}

function facts(result: Result, paint: Painter): string[] {
  const all = factsOf(result);
  const width = Math.max(...all.map((fact) => fact.about.length));
  return all.map((fact) => `${paint("dim", fact.about.padEnd(width))}  ${printable(fact.text)}`);
}

function files(result: Result): string[] {
  const { directory, names } = result.files;
  return names.map((name) => `${printable(directory)}/${printable(name)}`);
}
