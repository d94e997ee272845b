import { columnsOf, TABLE_LEGEND } from "./columns.ts";
import { factsOf } from "./facts.ts";
import { headline } from "./headline.ts";
import {
  alignedLines,
  MARK_STYLES,
  type Painter,
  painterOf,
  printable,
  type TerminalOptions,
} from "./paint.ts";
import type { ProbeView, Result } from "./result.ts";
import { validityLines, validityWords } from "./validity-lines.ts";

/** The answer, the table to paste, whether to trust it, and where the files are. Ends with a line break. */
export function renderTerminal(result: Result, options: TerminalOptions = {}): string {
  const paint = painterOf(options);
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

function table(result: Result, paint: Painter): string[] {
  const columns = columnsOf(result);
  const [head = "", ...rows] = alignedLines(
    columns,
    result.probes.map((probe) => columns.map((column) => column.cell(probe))),
  );
  return [
    paint("dim", head),
    ...rows.map((row, index) => paintRow(row, result.probes[index], paint)),
  ];
}

function paintRow(text: string, probe: ProbeView | undefined, paint: Painter): string {
  if (probe?.validity.verdict === "invalid") return paint(MARK_STYLES.void, text);
  const verdict = probe?.verdict ?? null;
  return verdict === null ? text : paint(MARK_STYLES[verdict], text);
}

function validityBox(result: Result, paint: Painter): string[] {
  const { verdict } = result.validity;
  const words = validityWords(result);
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
