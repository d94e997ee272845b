import { ExitCode, LoadError } from "../../shared/errors.ts";
import type { PlannedLoad } from "./replicas.ts";

/** A load, and from when on; it lasts until the next one. */
export interface ForecastStep extends PlannedLoad {
  /** As the file has it. */
  readonly time: string;
  /** From the first step, s. */
  readonly atS: number;
}

export interface Forecast {
  readonly steps: readonly ForecastStep[];
  /** Between every two of them, s. */
  readonly stepS: number;
}

const COLUMNS = [
  "time",
  "requests_per_second",
  "prompt_tokens_per_second",
  "output_tokens_per_second",
] as const;
type Column = (typeof COLUMNS)[number];
const REQUIRED: readonly Column[] = ["time", "requests_per_second"];

const PROBLEMS_MAX = 5;
/** A step may be this much longer or shorter than the first, for seconds lost in rounding. */
const STEP_TOLERANCE = 0.01;
const STEPS_MAX = 100_000;

/**
 * Reads a forecast: CSV whose head names `time` and `requests_per_second`, and if the mix is known
 * `prompt_tokens_per_second` and `output_tokens_per_second`; at even steps, in order. Times are `HH:MM`,
 * `2026-01-31T14:00` (its zone is not looked at) or seconds.
 *
 * @param place the file, for the message.
 * @throws LoadError LL_FORECAST_INVALID, with the first problems of it.
 */
export function readForecast(text: string, place: string): Forecast {
  const [head, ...lines] = linesOf(text);
  const places = columnPlaces(head?.line ?? "", place);
  if (lines.length < 2) throw invalid(place, ["it has fewer than two steps"]);
  if (lines.length > STEPS_MAX) throw invalid(place, [`it has more than ${STEPS_MAX} steps`]);
  const problems: string[] = [];
  const steps = lines.map(({ line, number }) =>
    stepOf(line, places, (what) => problems.push(`line ${number}: ${what}`)),
  );
  if (problems.length === 0) problems.push(...spacingProblems(steps, lines));
  if (problems.length > 0) throw invalid(place, problems);
  const firstS = steps[0]?.atS ?? 0;
  return {
    steps: steps.map((step) => ({ ...step, atS: step.atS - firstS })),
    stepS: stepOfFirst(steps),
  };
}

interface Line {
  readonly line: string;
  readonly number: number;
}

/** Those that say something. */
function linesOf(text: string): readonly Line[] {
  return text
    .split(/\r?\n/)
    .map((line, index) => ({ line: line.trim(), number: index + 1 }))
    .filter(({ line }) => line !== "" && !line.startsWith("#"));
}

function spacingProblems(
  steps: readonly ForecastStep[],
  lines: readonly Line[],
): readonly string[] {
  const stepS = stepOfFirst(steps);
  return steps.slice(1).flatMap((step, index) => {
    const before = steps[index];
    const problem = before === undefined ? undefined : stepProblem(before, step, stepS);
    return problem === undefined ? [] : [`line ${lines[index + 1]?.number ?? 0}: ${problem}`];
  });
}

/** From the first to the second, s. */
function stepOfFirst([first, second]: readonly ForecastStep[]): number {
  return (second?.atS ?? 0) - (first?.atS ?? 0);
}

type Places = Readonly<Record<Column, number>>;

function columnPlaces(head: string, place: string): Places {
  const names = head.split(",").map((name) => name.trim().toLowerCase());
  const missing = REQUIRED.filter((column) => !names.includes(column));
  const unknown = names.filter((name) => !COLUMNS.some((column) => column === name));
  const problems = [
    ...missing.map((column) => `its head has no ${column}`),
    ...(missing.length === 0
      ? unknown.map((name) => `its head has "${name}", which is not known`)
      : []),
  ];
  if (problems.length > 0) throw invalid(place, problems);
  return Object.fromEntries(COLUMNS.map((column) => [column, names.indexOf(column)])) as Places;
}

function stepOf(line: string, places: Places, problem: (what: string) => void): ForecastStep {
  const cells = line.split(",").map((cell) => cell.trim());
  const cell = (column: Column): string | undefined =>
    places[column] === -1 ? undefined : (cells[places[column]] ?? "");
  const number = (column: Column): number | null => {
    const written = cell(column);
    if (written === undefined) return null;
    const value = written === "" ? NaN : Number(written);
    if (Number.isFinite(value) && value >= 0) return value;
    problem(`${column} is ${written === "" ? "empty" : `"${written}"`}`);
    return null;
  };
  const time = cell("time") ?? "";
  const atS = secondsOf(time);
  if (atS === undefined) problem(`time is ${time === "" ? "empty" : `"${time}"`}`);
  return {
    time,
    atS: atS ?? 0,
    requestsPerSecond: number("requests_per_second") ?? 0,
    promptTokensPerSecond: number("prompt_tokens_per_second"),
    outputTokensPerSecond: number("output_tokens_per_second"),
  };
}

function stepProblem(before: ForecastStep, step: ForecastStep, stepS: number): string | undefined {
  const ownS = step.atS - before.atS;
  if (ownS <= 0) return `${step.time} does not come after ${before.time}`;
  if (Math.abs(ownS / stepS - 1) <= STEP_TOLERANCE) return undefined;
  const what = ownS > stepS ? "a gap" : "a step";
  return `there is ${what} of ${ownS} s before ${step.time}, where the others are ${stepS} s`;
}

const CLOCK =
  /^(?:(\d{4})-(\d{2})-(\d{2})[T ])?(\d{1,2}):(\d{2})(?::(\d{2})(?:\.\d+)?)?(?:Z|[+-]\d{2}:?\d{2})?$/;

function secondsOf(text: string): number | undefined {
  if (/^\d+(?:\.\d+)?$/.test(text)) return Number(text);
  const match = CLOCK.exec(text);
  if (match === null) return undefined;
  const [year, month, day, hour, minute, second] = match
    .slice(1)
    .map((part: string | undefined) => Number(part ?? 0)) as [
    number,
    number,
    number,
    number,
    number,
    number,
  ];
  if (hour > 24 || minute > 59 || second > 60) return undefined;
  const days = year === 0 ? 0 : daysOf(year, month, day);
  return days * 86_400 + hour * 3_600 + minute * 60 + second;
}

/** Days since 1970-01-01 of the Gregorian calendar. @see Hinnant, chrono-compatible low-level date algorithms. */
function daysOf(year: number, month: number, day: number): number {
  const shifted = month <= 2 ? year - 1 : year;
  const era = Math.floor(shifted / 400);
  const yearOfEra = shifted - era * 400;
  const dayOfYear = Math.floor((153 * (month + (month > 2 ? -3 : 9)) + 2) / 5) + day - 1;
  const dayOfEra =
    yearOfEra * 365 + Math.floor(yearOfEra / 4) - Math.floor(yearOfEra / 100) + dayOfYear;
  return era * 146_097 + dayOfEra - 719_468;
}

function invalid(place: string, problems: readonly string[]): LoadError {
  const shown = problems.slice(0, PROBLEMS_MAX);
  const more = problems.length - shown.length;
  return new LoadError(
    `the forecast ${place} cannot be read: ${shown.join("; ")}${more > 0 ? `; and ${more} more` : ""}`,
    {
      code: "LL_FORECAST_INVALID",
      hint: "give CSV with the head time,requests_per_second (and prompt_tokens_per_second,output_tokens_per_second), at even steps and in order; fill gaps in",
      exitCode: ExitCode.PlanInvalid,
    },
  );
}
