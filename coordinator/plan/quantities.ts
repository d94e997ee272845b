import { RATE_PER_SECOND_MAX } from "../../shared/arrivals/problems.ts";
import type { Reading } from "./problem.ts";

const SECONDS_PER_UNIT: Readonly<Record<string, number>> = {
  us: 1e-6,
  ms: 1e-3,
  s: 1,
  m: 60,
  min: 60,
  h: 3_600,
};

interface Bounds {
  readonly min: number;
  readonly max: number;
}

/** `30s`, `5m`, `250ms`, `1h`, in s. A bare 0 needs no unit. */
export function readDurationS(text: string, bounds: Bounds): Reading<number> {
  const hint = `write a duration from ${durationText(bounds.min)} to ${durationText(bounds.max)} with its unit, such as 250ms, 30s, 5m or 1h`;
  const match = /^(\d+(?:\.\d+)?|\.\d+)\s*([a-z]*)$/i.exec(text.trim());
  if (match === null) return { message: `"${text}" is no duration`, hint };
  const [, digits = "", unit = ""] = match;
  const valueS = inSeconds(Number(digits), unit.toLowerCase());
  if (valueS === undefined) {
    const message = unit === "" ? `"${text}" has no unit` : `"${unit}" is no unit of time`;
    return { message, hint: `write ${digits}s, ${digits}m or ${digits}h` };
  }
  if (valueS >= bounds.min && valueS <= bounds.max) return { value: valueS };
  return { message: `"${text}" is out of range`, hint };
}

function inSeconds(value: number, unit: string): number | undefined {
  if (value === 0 && unit === "") return 0;
  const factor = SECONDS_PER_UNIT[unit];
  if (factor === undefined) return undefined;
  // Divided by a whole number where there is one: 250 × 0.001 need not be 0.25.
  return factor < 1 ? value / Math.round(1 / factor) : value * factor;
}

/** A length of time as one would type it. */
function durationText(valueS: number): string {
  if (valueS === 0) return "0";
  if (valueS < 1) return `${valueS * 1_000}ms`;
  if (valueS % 3_600 === 0) return `${valueS / 3_600}h`;
  return valueS % 60 === 0 ? `${valueS / 60}m` : `${valueS}s`;
}

const RATE_ALLOWED = `write requests/s above 0 and up to ${RATE_PER_SECOND_MAX}, such as 20, 0.5 or 400rps`;

/** `20`, `0.5`, `400rps`, `400/s`, in requests/s. */
export function readRate(text: string): Reading<number> {
  const match = /^(\d+(?:\.\d+)?|\.\d+)\s*(?:rps|\/s)?$/i.exec(text.trim());
  if (match === null) return { message: `"${text}" is no rate`, hint: RATE_ALLOWED };
  const value = Number(match[1]);
  if (value > 0 && value <= RATE_PER_SECOND_MAX) return { value };
  return { message: `"${text}" is no rate that can be offered`, hint: RATE_ALLOWED };
}

/** `10%` or `0.1`, as a fraction. */
export function readFraction(text: string, bounds: Bounds): Reading<number> {
  const hint = `write a percentage from ${bounds.min * 100}% to ${bounds.max * 100}%, such as ${example(bounds)}%`;
  const match = /^(\d+(?:\.\d+)?|\.\d+)\s*(%?)$/.exec(text.trim());
  if (match === null) return { message: `"${text}" is no percentage`, hint };
  const digits = match[1] ?? "";
  // As text: 0.1 / 100 is not 0.001 in floats.
  const value = match[2] === "%" ? Number(`${Number(digits)}e-2`) : Number(digits);
  if (value >= bounds.min && value <= bounds.max) return { value };
  const unitMissing = match[2] === "" && value > 1;
  return { message: `"${text}" ${unitMissing ? "has no unit" : "is out of range"}`, hint };
}

function example({ min, max }: Bounds): number {
  return min < 0.1 && max > 0.1 ? 10 : 95;
}

/** A whole number within bounds. */
export function readWhole(text: string, bounds: Bounds): Reading<number> {
  const value = /^\d+$/.test(text.trim()) ? Number(text) : NaN;
  if (value >= bounds.min && value <= bounds.max) return { value };
  return {
    message: `"${text}" is no whole number from ${bounds.min} to ${bounds.max}`,
    hint: `write one, such as ${Math.max(1, bounds.min)}`,
  };
}

/** `1,4,8`: each part read on its own; the first that cannot be read is the problem. */
export function readList<Value>(
  text: string,
  read: (part: string) => Reading<Value>,
): Reading<readonly Value[]> {
  const values: Value[] = [];
  for (const part of text.split(",")) {
    const reading = read(part.trim());
    if (!("value" in reading)) return reading;
    values.push(reading.value);
  }
  return { value: values };
}
