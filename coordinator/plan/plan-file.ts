import {
  type Document,
  isAlias,
  isMap,
  isNode,
  isScalar,
  LineCounter,
  type Node,
  type Pair,
  parseDocument,
  visit,
} from "yaml";
import { type Entries, type Entry, unknownField } from "./entries.ts";
import { isFieldName } from "./fields.ts";
import type { Problem } from "./problem.ts";

/** A plan file, read into memory by whoever may. */
export interface PlanFile {
  /** As the user knows it; positions start with it. */
  readonly name: string;
  readonly text: string;
}

/** A plan is some dozen lines; the bound keeps a wrong file from being parsed for minutes. */
const PLAN_FILE_CHARS_MAX = 1_048_576;

/** What a plan file says; every syntax error and every unknown name is a problem with its line and column. */
export function entriesOfFile(file: PlanFile): Entries {
  if (file.text.length > PLAN_FILE_CHARS_MAX) {
    return nothingBut(file, `it is longer than ${PLAN_FILE_CHARS_MAX} characters`);
  }
  const lineCounter = new LineCounter();
  const document = parseDocument(file.text, { lineCounter, prettyErrors: false });
  const place = (offset: number): string => {
    const { line, col } = lineCounter.linePos(offset);
    return `${file.name}:${line}:${col}`;
  };
  const aliases = aliasProblems(document, place);
  const problems = [...syntaxProblems(document, place), ...aliases];
  const isWhole = aliases.length === 0 && !document.errors.some(isSerious);
  const { contents } = document;
  if (contents === null) return { entries: [], problems, isWhole };
  if (!isMap(contents)) {
    return isWhole
      ? nothingBut(file, "it is no map of names to values")
      : { entries: [], problems, isWhole };
  }
  // What stands behind a syntax error was read by guesswork: judging it would report mistakes nobody made.
  const soundUntil =
    aliases.length > 0 ? 0 : (document.errors.find(isSerious)?.pos[0] ?? Number.MAX_SAFE_INTEGER);
  const sound = contents.items.filter((pair) => endOf(pair) < soundUntil);
  const read = sound.map((pair) => readPair(document, pair, place));
  return {
    entries: read.flatMap((each) => (each.entry === undefined ? [] : [each.entry])),
    problems: [
      ...problems,
      ...read.flatMap((each) => (each.problem === undefined ? [] : [each.problem])),
    ],
    isWhole,
  };
}

type Place = (offset: number) => string;

/** A name that stands twice spoils nothing else. */
function isSerious(error: Document["errors"][number]): boolean {
  return error.code !== "DUPLICATE_KEY";
}

function syntaxProblems(document: Document, place: Place): readonly Problem[] {
  const { errors } = document;
  const [firstSerious] = errors.filter(isSerious);
  return errors
    .filter((error) => !isSerious(error) || error === firstSerious)
    .map((error) => ({
      where: place(error.pos[0]),
      message: isSerious(error) ? `this is no YAML: ${error.message}` : "this name stands twice",
      hint: isSerious(error)
        ? "correct it; what stands behind it was not read"
        : "keep one of them",
      notYet: false,
    }));
}

/** An alias may refer to itself, or a few of them to a billion values; no plan needs one. */
function aliasProblems(document: Document, place: Place): readonly Problem[] {
  const problems: Problem[] = [];
  visit(document, {
    Alias: (_key, alias) => {
      problems.push({
        where: place(alias.range?.[0] ?? 0),
        message: "a plan has no aliases",
        hint: "write the value out",
        notYet: false,
      });
    },
  });
  return problems;
}

function endOf(pair: Pair): number {
  const { key, value } = pair;
  return offsetOf(value, 1) ?? offsetOf(key, 1) ?? 0;
}

/** Start (0) or end (1) of a node in the text. */
function offsetOf(node: unknown, side: 0 | 1): number | undefined {
  return isNode(node) ? node.range?.[side] : undefined;
}

function readPair(
  document: Document,
  pair: Pair,
  place: Place,
): { entry?: Entry; problem?: Problem } {
  const { key, value } = pair;
  const keyAt = place(offsetOf(key, 0) ?? 0);
  const name = isScalar(key) ? String(key.value) : "";
  if (!isFieldName(name)) return { problem: unknownField(keyAt, name) };
  if (!isNode(value) || isAlias(value)) return {};
  const whereIs = (path: readonly PropertyKey[]): string => {
    const offset = offsetOf(innermost(value, path), 0);
    return `${offset === undefined ? keyAt : place(offset)} (${name})`;
  };
  return { entry: { name, value: (value as Node).toJS(document) as unknown, whereIs } };
}

/** The node a path leads to, or the last one on the way that is there. */
function innermost(node: Node, path: readonly PropertyKey[]): unknown {
  let at: unknown = node;
  for (const step of path) {
    if (!isNode(at) || !("get" in at) || typeof at.get !== "function") return at;
    const inner = (at.get as (key: PropertyKey, keepScalar: true) => unknown).call(at, step, true);
    if (!isNode(inner)) return at;
    at = inner;
  }
  return at;
}

function nothingBut(file: PlanFile, message: string): Entries {
  const hint = "write one name and value a line, such as `target: http://127.0.0.1:8000`";
  const problem = { where: file.name, message, hint, notYet: false };
  return { entries: [], problems: [problem], isWhole: false };
}
