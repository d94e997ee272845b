import { assert } from "../../shared/assert.ts";
import { dataLinesOf, type DataLine, forecastInvalid } from "./lines.ts";
import { secondsOf } from "./time-text.ts";

/** A load, and when; null where the file has no such column. */
export interface ForecastStep {
  /** As the file has it. */
  readonly time: string;
  /** From the first step, s. */
  readonly atS: number;
  readonly requestsPerSecond: number;
  readonly promptTokensPerSecond: number | null;
  readonly outputTokensPerSecond: number | null;
}

/** The load to come, of the whole fleet. */
export interface Forecast {
  /** At least two, in order. */
  readonly steps: readonly ForecastStep[];
  /** From the first to the second, s; where steps are even, between every two. */
  readonly stepS: number;
  /** From the first to the last, s. */
  readonly durationS: number;
}

/**
 * "even": each step lasts as long as the others, so that hours can be counted. "loose": it is walked through in
 * seconds, so that only a hole is refused, and a length that was not meant.
 */
export type Spacing = "even" | "loose";

const COLUMNS = [
  "time",
  "requests_per_second",
  "prompt_tokens_per_second",
  "output_tokens_per_second",
] as const;
type Column = (typeof COLUMNS)[number];
const REQUIRED: readonly Column[] = ["time", "requests_per_second"];
/** Of a file without a head. */
const HEADLESS: readonly Column[] = REQUIRED;
const ALIASES: Readonly<Record<string, Column>> = { rate: "requests_per_second" };

const RATE_PER_SECOND_MAX = 1e6;
const TOKENS_PER_SECOND_MAX = 1e12;
const STEPS_MAX = 100_000;
/** A step may be this much longer or shorter than the first, for seconds lost in rounding. */
const STEP_TOLERANCE = 0.01;
/** A step longer than this many usual ones is a hole, not a slow forecast. */
const GAP_STEPS = 3;
/** A month in minutes: beyond that something else was meant than to replay it. */
export const REPLAY_S_MAX = 31 * 86_400;

/**
 * Reads a forecast: CSV of `time,requests_per_second` (or `time,rate`), and if the mix is known
 * `prompt_tokens_per_second` and `output_tokens_per_second`; in order. Times are seconds, `HH:MM`, `HH:MM:SS` or ISO 8601.
 * The head may be left out of a file with the first two columns.
 *
 * @param place the file, for the message.
 * @throws LoadError LL_FORECAST_INVALID, with the first problems of it.
 */
export function readForecast(
  text: string,
  { place, spacing }: { readonly place: string; readonly spacing: Spacing },
): Forecast {
  const { columns, lines } = columnsOf(dataLinesOf(text), place);
  if (lines.length > STEPS_MAX)
    throw forecastInvalid(place, [`it has more than ${STEPS_MAX} steps`]);
  const problems: string[] = [];
  const steps = lines.map((line) =>
    stepOf(line, columns, (what) => problems.push(`line ${line.number}: ${what}`)),
  );
  if (problems.length === 0) problems.push(...loadProblems(steps));
  if (problems.length === 0) problems.push(...orderProblems({ steps, lines, spacing }));
  if (problems.length > 0) throw forecastInvalid(place, problems);
  return forecastOf(steps);
}

/** @param steps at least two, in order; their first becomes 0. */
export function forecastOf(steps: readonly ForecastStep[]): Forecast {
  const [first, second] = steps;
  const last = steps.at(-1);
  assert(first !== undefined && second !== undefined && last !== undefined, "two steps at least");
  return {
    steps: steps.map((step) => ({ ...step, atS: step.atS - first.atS })),
    stepS: second.atS - first.atS,
    durationS: last.atS - first.atS,
  };
}

/**
 * The rate at an instant, requests/s: straight between two steps.
 *
 * @param cursor where the last look-up of a walk forward was; told where this one is.
 */
export function rateAt({ steps }: Forecast, atS: number, cursor: { place: number }): number {
  while (cursor.place < steps.length - 2 && (steps[cursor.place + 1]?.atS ?? Infinity) <= atS)
    cursor.place += 1;
  const from = steps[cursor.place];
  const to = steps[cursor.place + 1];
  if (from === undefined || to === undefined) return from?.requestsPerSecond ?? 0;
  const part = Math.min(1, Math.max(0, (atS - from.atS) / (to.atS - from.atS)));
  return from.requestsPerSecond + part * (to.requestsPerSecond - from.requestsPerSecond);
}

/** A first line without a digit is the head. */
function columnsOf(
  lines: readonly DataLine[],
  place: string,
): { readonly columns: readonly Column[]; readonly lines: readonly DataLine[] } {
  const [head, ...rest] = lines;
  if (head === undefined || head.cells.some((cell) => /\d/.test(cell)))
    return { columns: HEADLESS, lines };
  const names = head.cells.map((name) => ALIASES[name.toLowerCase()] ?? name.toLowerCase());
  const missing = REQUIRED.filter((column) => !names.includes(column));
  const unknown = names.filter((name) => !COLUMNS.some((column) => column === name));
  const problems =
    missing.length > 0
      ? missing.map((column) => `its head has no ${column}`)
      : unknown.map((name) => `its head has "${name}", which is not known`);
  if (problems.length > 0) throw forecastInvalid(place, problems);
  return { columns: names as readonly Column[], lines: rest };
}

function stepOf(
  { cells }: DataLine,
  columns: readonly Column[],
  problem: (what: string) => void,
): ForecastStep {
  if (cells.length !== columns.length)
    problem(`it has ${cells.length} columns, not ${columns.join(", ")}`);
  const cell = (column: Column): string | undefined => cells[columns.indexOf(column)];
  const number = (column: Column, max: number): number | null => {
    const written = cell(column);
    if (written === undefined) return null;
    const value = /^\d+(\.\d+)?(e[+-]?\d+)?$/i.test(written) ? Number(written) : NaN;
    if (value <= max) return value;
    problem(`"${written}" is no ${column} from 0 to ${max}`);
    return null;
  };
  const time = cell("time") ?? "";
  const atS = secondsOf(time);
  if (Number.isNaN(atS)) problem(`"${time}" is no time`);
  return {
    time,
    atS,
    requestsPerSecond: number("requests_per_second", RATE_PER_SECOND_MAX) ?? 0,
    promptTokensPerSecond: number("prompt_tokens_per_second", TOKENS_PER_SECOND_MAX),
    outputTokensPerSecond: number("output_tokens_per_second", TOKENS_PER_SECOND_MAX),
  };
}

function loadProblems(steps: readonly ForecastStep[]): readonly string[] {
  if (steps.length < 2) return [`it has ${steps.length} steps, and a forecast needs two`];
  if (steps.every(({ requestsPerSecond }) => requestsPerSecond === 0)) return ["every rate is 0"];
  return [];
}

interface Ordered {
  readonly steps: readonly ForecastStep[];
  /** Of the file, one a step. */
  readonly lines: readonly DataLine[];
  readonly spacing: Spacing;
}

function orderProblems({ steps, lines, spacing }: Ordered): readonly string[] {
  const lengthsS = steps.slice(1).map((step, index) => step.atS - (steps[index]?.atS ?? 0));
  const usualS =
    spacing === "even"
      ? (lengthsS[0] ?? 0)
      : (lengthsS.toSorted((a, b) => a - b)[Math.floor(lengthsS.length / 2)] ?? 0);
  const problems = lengthsS.flatMap((lengthS, index) => {
    const [before, step] = [steps[index]?.time ?? "", steps[index + 1]?.time ?? ""];
    const problem =
      lengthS <= 0
        ? `${step} does not come after ${before}`
        : lengthProblem({ lengthS, usualS, spacing, step });
    return problem === undefined ? [] : [`line ${lines[index + 1]?.number ?? 0}: ${problem}`];
  });
  const isTooLong = lengthsS.reduce((sum, each) => sum + each, 0) > REPLAY_S_MAX;
  if (problems.length === 0 && spacing === "loose" && isTooLong)
    return ["it is longer than 31 days"];
  return problems;
}

function lengthProblem(options: {
  readonly lengthS: number;
  readonly usualS: number;
  readonly spacing: Spacing;
  readonly step: string;
}): string | undefined {
  const { lengthS, usualS, spacing, step } = options;
  const isFine =
    spacing === "even"
      ? Math.abs(lengthS / usualS - 1) <= STEP_TOLERANCE
      : lengthS <= GAP_STEPS * usualS;
  if (isFine) return undefined;
  const what = lengthS > usualS ? "a gap" : "a step";
  return `there is ${what} of ${lengthS} s before ${step}, where ${usualS} s are usual`;
}
