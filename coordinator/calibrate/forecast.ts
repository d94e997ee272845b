import { ExitCode, LoadError } from "../../shared/errors.ts";

interface ForecastPoint {
  /** From the first point, s. */
  readonly atS: number;
  readonly ratePerSecond: number;
}

/** The load to come: straight between its points. */
export interface Forecast {
  readonly points: readonly ForecastPoint[];
  readonly durationS: number;
}

/** Twice a day and more, or a month in minutes: beyond that something else was meant. */
const DURATION_S_MAX = 31 * 86_400;
const RATE_PER_SECOND_MAX = 1e6;
/** A step longer than this many usual ones is a hole, not a slow forecast. */
const GAP_STEPS = 3;
const TRACE_BIN_S = 60;

/**
 * A CSV of `time,rate`: seconds, HH:MM, HH:MM:SS or ISO 8601, and requests/s of the whole fleet. A heading is skipped.
 *
 * @param file its name, for messages.
 * @throws LoadError LL_FORECAST_INVALID with every line that is wrong: no number, time going back, a gap.
 */
export function parseForecast(text: string, file: string): Forecast {
  const problems: string[] = [];
  const rows = rowsOf(text, "time").map(({ line, cells }): ForecastPoint => {
    const [time = "", rate = ""] = cells;
    const point = { atS: secondsOf(time), ratePerSecond: rateOf(rate) };
    if (cells.length !== 2)
      problems.push(`line ${line} has ${cells.length} columns, not time and rate`);
    else if (Number.isNaN(point.atS)) problems.push(`line ${line}: "${time}" is no time`);
    else if (Number.isNaN(point.ratePerSecond))
      problems.push(
        `line ${line}: "${rate}" is no rate from 0 to ${RATE_PER_SECOND_MAX} requests/s`,
      );
    return point;
  });
  if (problems.length === 0) problems.push(...orderProblems(rows));
  if (problems.length > 0) throw invalid(file, problems);
  return fromFirst(rows);
}

/**
 * A trace: the instant of one request a line, in its first column. It becomes a forecast of the mean rate of each minute.
 *
 * @throws LoadError LL_FORECAST_INVALID
 */
export function parseTrace(text: string, file: string): Forecast {
  const rows = rowsOf(text, "t");
  const instants = rows.map(({ cells }) => secondsOf(cells[0] ?? ""));
  const wrong = rows.filter((_, place) => Number.isNaN(instants[place]));
  if (wrong.length > 0)
    throw invalid(
      file,
      wrong.map(({ line, cells }) => `line ${line}: "${cells[0] ?? ""}" is no time`),
    );
  const first = instants.reduce((a, b) => Math.min(a, b), Infinity);
  const last = instants.reduce((a, b) => Math.max(a, b), -Infinity);
  if (!(last - first >= 2 * TRACE_BIN_S)) throw invalid(file, ["it is shorter than two minutes"]);
  if (last - first > DURATION_S_MAX) throw invalid(file, ["it is longer than 31 days"]);
  const counts = new Array<number>(Math.floor((last - first) / TRACE_BIN_S)).fill(0);
  for (const atS of instants) {
    const bin = Math.floor((atS - first) / TRACE_BIN_S);
    if (counts[bin] !== undefined) counts[bin] += 1;
  }
  return fromFirst(
    counts.map((count, bin) => ({ atS: bin * TRACE_BIN_S, ratePerSecond: count / TRACE_BIN_S })),
  );
}

/** @param cursor where the last look-up of a walk forward was; told where this one is. */
export function rateAt(forecast: Forecast, atS: number, cursor: { place: number }): number {
  const { points } = forecast;
  while (cursor.place < points.length - 2 && (points[cursor.place + 1]?.atS ?? Infinity) <= atS)
    cursor.place += 1;
  const from = points[cursor.place];
  const to = points[cursor.place + 1];
  if (from === undefined || to === undefined) return from?.ratePerSecond ?? 0;
  const part = Math.min(1, Math.max(0, (atS - from.atS) / (to.atS - from.atS)));
  return from.ratePerSecond + part * (to.ratePerSecond - from.ratePerSecond);
}

interface Row {
  readonly line: number;
  readonly cells: readonly string[];
}

function rowsOf(text: string, heading: string): readonly Row[] {
  return text.split(/\r?\n/).flatMap((raw, index): Row[] => {
    const trimmed = raw.trim();
    if (trimmed === "" || trimmed.startsWith("#")) return [];
    if (index === 0 && trimmed.toLowerCase().startsWith(heading)) return [];
    return [{ line: index + 1, cells: trimmed.split(",").map((cell) => cell.trim()) }];
  });
}

/** NaN where it is no time. */
function secondsOf(text: string): number {
  if (/^\d+(\.\d+)?$/.test(text)) return Number(text);
  const clock = /^(\d{1,2}):([0-5]\d)(?::([0-5]\d))?$/.exec(text);
  if (clock !== null) {
    const [, hours, minutes, seconds = "0"] = clock;
    return Number(hours) * 3_600 + Number(minutes) * 60 + Number(seconds);
  }
  return isoSeconds(text);
}

const ISO = /^(\d{4})-(\d\d)-(\d\d)[T ](\d\d):(\d\d)(?::(\d\d)(?:\.\d+)?)?(Z|[+-]\d\d:\d\d)?$/;

/** Read by its digits: pure code has no `Date`. The zone is the file's own, and the same on every line. */
function isoSeconds(text: string): number {
  const match = ISO.exec(text);
  if (match === null) return NaN;
  const [year = 0, month = 0, day = 0, hours = 0, minutes = 0, seconds = 0] = match
    .slice(1, 7)
    .map((digits: string | undefined) => Number(digits ?? 0));
  return daysBefore(year, month, day) * 86_400 + hours * 3_600 + minutes * 60 + seconds;
}

/** Days since an origin. @see Hinnant, "chrono-Compatible Low-Level Date Algorithms" (days_from_civil). */
function daysBefore(year: number, month: number, day: number): number {
  const shifted = month <= 2 ? year - 1 : year;
  const monthFromMarch = (month + 9) % 12;
  const dayOfYear = Math.floor((153 * monthFromMarch + 2) / 5) + day - 1;
  return (
    365 * shifted +
    Math.floor(shifted / 4) -
    Math.floor(shifted / 100) +
    Math.floor(shifted / 400) +
    dayOfYear
  );
}

/** NaN where it is no rate. */
function rateOf(text: string): number {
  const value = /^\d+(\.\d+)?$/.test(text) ? Number(text) : NaN;
  return value <= RATE_PER_SECOND_MAX ? value : NaN;
}

function orderProblems(points: readonly ForecastPoint[]): readonly string[] {
  const [first] = points;
  const last = points.at(-1);
  if (first === undefined || last === undefined || points.length < 2)
    return [`it has ${points.length} points, and a forecast needs two`];
  const steps = points.slice(1).map((point, place) => point.atS - (points[place]?.atS ?? 0));
  const back = steps.findIndex((step) => step <= 0);
  if (back >= 0) return [`time does not go forward at point ${back + 2}`];
  if (last.atS - first.atS > DURATION_S_MAX) return ["it is longer than 31 days"];
  if (points.every(({ ratePerSecond }) => ratePerSecond === 0)) return ["every rate is 0"];
  const usual = [...steps].sort((a, b) => a - b)[Math.floor(steps.length / 2)] ?? 0;
  return steps.flatMap((step, place) =>
    step > GAP_STEPS * usual
      ? [`a gap of ${step} s behind point ${place + 1}, where ${usual} s are usual`]
      : [],
  );
}

function fromFirst(points: readonly ForecastPoint[]): Forecast {
  const origin = points[0]?.atS ?? 0;
  const shifted = points.map(({ atS, ratePerSecond }) => ({ atS: atS - origin, ratePerSecond }));
  return { points: shifted, durationS: shifted.at(-1)?.atS ?? 0 };
}

const PROBLEMS_SHOWN = 5;

function invalid(file: string, problems: readonly string[]): LoadError {
  const shown = problems.slice(0, PROBLEMS_SHOWN).join("; ");
  const more = problems.length - PROBLEMS_SHOWN;
  return new LoadError(`${file} is no forecast: ${shown}${more > 0 ? `; and ${more} more` : ""}`, {
    code: "LL_FORECAST_INVALID",
    hint: "give lines of time,rate in requests/s, in order and without holes, such as 08:00,120",
    exitCode: ExitCode.PlanInvalid,
  });
}
