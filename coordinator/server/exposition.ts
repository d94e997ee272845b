/**
 * Reads what a Prometheus endpoint says: the text format 0.0.4, OpenMetrics 1.0, and the quoted names of Prometheus 3.
 * Pure; the caller bounds the length of the text.
 *
 * @see https://prometheus.io/docs/instrumenting/exposition_formats/ and https://openmetrics.io
 */

/** One line: the value of one series. */
export interface Sample {
  readonly name: string;
  readonly labels: ReadonlyMap<string, string>;
  /** May be NaN or infinite, as the format allows. */
  readonly value: number;
}

export interface Exposition {
  readonly samples: readonly Sample[];
  /** Lines that are neither a sample nor a comment; undefined when there were none. They spoil no other line. */
  readonly malformed: MalformedLines | undefined;
}

export interface MalformedLines {
  readonly count: number;
  /** Of the first one, counted from 1. */
  readonly line: number;
  /** Its beginning. */
  readonly text: string;
}

/** A longer line is no sample: the longest real ones have some hundred characters. */
const LINE_CHARS_MAX = 65_536;
const EXCERPT_CHARS = 60;

const NAME = /[a-zA-Z_:][\w:]*/y;
const LABEL = /[ \t]*([a-zA-Z_]\w*|"(?:[^"\\]|\\.)*")[ \t]*=[ \t]*"((?:[^"\\]|\\.)*)"[ \t]*(,|\})/y;
/** Prometheus 3: a name that is no word stands among the labels, in quotes. */
const QUOTED_NAME = /[ \t]*"((?:[^"\\]|\\.)+)"[ \t]*(,|\})/y;
const LABELS_BEGIN = /[ \t]*\{/y;
const LABELS_END = /[ \t]*\}/y;
/** The value; then a timestamp (ms or s) and an exemplar, which are not read. */
const VALUE = /[ \t]*([^ \t]+)(?:[ \t]+[-+.\deE]+)?(?:[ \t]+#[ \t].*)?[ \t]*$/y;
const NUMBER = /^[-+]?(?:\d+\.?\d*|\.\d+)(?:e[-+]?\d+)?$/i;

/**
 * Every sample whose name is wanted. Lines of other names are only looked at as far as their name.
 *
 * @param isWanted called with each line's name.
 */
export function parseExposition(
  text: string,
  isWanted: (name: string) => boolean = () => true,
): Exposition {
  const samples: Sample[] = [];
  let malformed: MalformedLines | undefined;
  let number = 0;
  for (const line of linesOf(text)) {
    number += 1;
    if (line === "" || line.startsWith("#")) continue;
    const sample = sampleOf(line, isWanted);
    if (sample === "malformed") malformed = counted(malformed, number, line);
    else if (sample !== "unwanted") samples.push(sample);
  }
  return { samples, malformed };
}

function counted(before: MalformedLines | undefined, line: number, text: string): MalformedLines {
  if (before !== undefined) return { ...before, count: before.count + 1 };
  return { count: 1, line, text: text.slice(0, EXCERPT_CHARS) };
}

/** Without a copy of the whole text beside it. */
function* linesOf(text: string): Generator<string> {
  let from = 0;
  while (from < text.length) {
    const newline = text.indexOf("\n", from);
    const to = newline === -1 ? text.length : newline;
    yield text.slice(from, to).trim();
    from = to + 1;
  }
}

function sampleOf(
  line: string,
  isWanted: (name: string) => boolean,
): Sample | "unwanted" | "malformed" {
  if (line.length > LINE_CHARS_MAX) return "malformed";
  const bareName = matchAt(NAME, line, 0)?.[0] ?? "";
  if (bareName !== "" && !isWanted(bareName)) return "unwanted";
  const sample = wholeSampleOf(line, bareName);
  if (sample === undefined) return "malformed";
  return isWanted(sample.name) ? sample : "unwanted";
}

function wholeSampleOf(line: string, bareName: string): Sample | undefined {
  const set = labelSetAt(line, bareName.length);
  if (set === undefined) return undefined;
  const name = bareName === "" ? set.quotedName : bareName;
  const value = numberOf(matchAt(VALUE, line, set.to)?.[1]);
  return name === undefined || value === undefined
    ? undefined
    : { name, labels: set.labels, value };
}

interface LabelSet {
  readonly labels: ReadonlyMap<string, string>;
  readonly quotedName: string | undefined;
  /** Where the value begins, or the blanks before it. */
  readonly to: number;
}

/** Undefined where it is none. */
function labelSetAt(line: string, from: number): LabelSet | undefined {
  const open = matchAt(LABELS_BEGIN, line, from);
  if (open === undefined) return { labels: new Map(), quotedName: undefined, to: from };
  const at = from + open[0].length;
  const quoted = matchAt(QUOTED_NAME, line, at);
  if (quoted === undefined) return labelsAt(line, at, undefined);
  const [whole, name = "", closing] = quoted;
  const to = at + whole.length;
  const quotedName = unescaped(name);
  return closing === "}" ? { labels: new Map(), quotedName, to } : labelsAt(line, to, quotedName);
}

function labelsAt(
  line: string,
  from: number,
  quotedName: string | undefined,
): LabelSet | undefined {
  const labels = new Map<string, string>();
  let at = from;
  for (;;) {
    // The last label may end in a comma, and there may be none.
    const end = matchAt(LABELS_END, line, at);
    if (end !== undefined) return { labels, quotedName, to: at + end[0].length };
    const label = matchAt(LABEL, line, at);
    if (label === undefined) return undefined;
    const [whole, name = "", value = "", closing] = label;
    labels.set(unquoted(name), unescaped(value));
    at += whole.length;
    if (closing === "}") return { labels, quotedName, to: at };
  }
}

function unquoted(name: string): string {
  return name.startsWith('"') ? unescaped(name.slice(1, -1)) : name;
}

function matchAt(pattern: RegExp, line: string, at: number): RegExpExecArray | undefined {
  pattern.lastIndex = at;
  return pattern.exec(line) ?? undefined;
}

function unescaped(text: string): string {
  if (!text.includes("\\")) return text;
  return text.replaceAll(/\\(.)/g, (whole, letter: string) => {
    if (letter === "n") return "\n";
    return letter === "\\" || letter === '"' ? letter : whole;
  });
}

const SPECIAL: Readonly<Record<string, number>> = {
  nan: NaN,
  inf: Infinity,
  "+inf": Infinity,
  "-inf": -Infinity,
};

function numberOf(text: string | undefined): number | undefined {
  if (text === undefined) return undefined;
  return NUMBER.test(text) ? Number(text) : SPECIAL[text.toLowerCase()];
}
