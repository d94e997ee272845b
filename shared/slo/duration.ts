import { NS_PER_MS, NS_PER_SECOND, NS_PER_US } from "../units.ts";

/** The longest latency a histogram holds. */
const LONGEST_NS = 3600 * NS_PER_SECOND;

/** Powers of ten as text: "1.1" + "e9" reads as exactly 1100000000, where 1.1 × 1e9 need not. */
const EXPONENTS: Readonly<Record<string, string>> = { us: "e3", ms: "e6", s: "e9" };

const DURATION_SHAPE = /^(?<sign>[-+]?)(?<digits>\d+(?:\.\d+)?|\.\d+)\s*(?<unit>[a-zµμ]*)$/i;

/** Why a text is no duration, and what to write. */
export interface DurationProblem {
  readonly problem: string;
  readonly hint: string;
}

/** Reads a limit such as "200ms", "1.5 s", "2min", in ns; units us, ms, s, min; from 1 us to 60 min. */
export function parseDurationNs(text: string): number | DurationProblem {
  const groups = DURATION_SHAPE.exec(text)?.groups;
  if (groups === undefined) {
    return { problem: `"${text}" is not a duration`, hint: "write a number and its unit: 200ms" };
  }
  const { sign, digits = "", unit = "" } = groups;
  const magnitudeNs = inNs(digits, unit.toLowerCase().replace(/[µμ]/, "u"));
  if (magnitudeNs === undefined) return unitProblem(text, digits, unit);
  const ns = sign === "-" ? -magnitudeNs : magnitudeNs;
  return ns >= NS_PER_US && ns <= LONGEST_NS ? ns : rangeProblem(text, ns);
}

function rangeProblem(text: string, ns: number): DurationProblem {
  return {
    problem: ns <= 0 ? `nothing can take ${text}` : `${text} is outside of what is measured`,
    hint: "limits of time go from 1us to 60min",
  };
}

function unitProblem(text: string, digits: string, unit: string): DurationProblem {
  return {
    problem: unit === "" ? `"${text}" has no unit` : `"${unit}" is not a unit of time`,
    hint: `write ${digits}us, ${digits}ms, ${digits}s or ${digits}min`,
  };
}

function inNs(digits: string, unit: string): number | undefined {
  if (unit === "min") return Math.round(Number(digits) * 60 * NS_PER_SECOND);
  const exponent = EXPONENTS[unit];
  return exponent === undefined ? undefined : Math.round(Number(digits + exponent));
}

/** The canonical text: the largest of s, ms, us that gives at least 1. `ns` is an integer. */
export function formatDuration(ns: number): string {
  if (ns >= NS_PER_SECOND) return `${Number(`${ns}e-9`)}s`;
  if (ns >= NS_PER_MS) return `${Number(`${ns}e-6`)}ms`;
  return `${Number(`${ns}e-3`)}us`;
}
