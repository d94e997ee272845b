import { arrivalsProblems } from "../../shared/arrivals/problems.ts";
import { nearest } from "../../shared/slo/near-miss.ts";
import { type ArrivalTemplate, arrivalsAt } from "./plan.ts";
import type { Reading } from "./problem.ts";
import { readRate } from "./quantities.ts";

const ALLOWED =
  "write poisson, constant, gamma:CV (such as gamma:2) or ramp:FROM:TO (such as ramp:1:50)";
const KINDS = ["poisson", "constant", "gamma", "ramp"] as const;
const NOT_YET = ["steps", "trace"];

/** `poisson`, `constant`, `gamma:CV`, `ramp:FROM:TO`. */
export function readArrivals(text: string): Reading<ArrivalTemplate> {
  const [kind = "", ...parameters] = text.trim().split(":");
  const reading = template(kind, parameters);
  if (reading === undefined) return unknownKind(text, kind);
  if (!("value" in reading)) return reading;
  // Any rate and length will do: only what the text itself says is judged here.
  const problems = arrivalsProblems(arrivalsAt(reading.value, { ratePerSecond: 1, durationS: 1 }));
  const [problem] = problems;
  return problem === undefined ? reading : { message: `"${text}": ${problem}`, hint: ALLOWED };
}

function template(
  kind: string,
  parameters: readonly string[],
): Reading<ArrivalTemplate> | undefined {
  switch (kind) {
    case "poisson":
    case "constant":
      if (parameters.length > 0) return wrongParameters(kind);
      return { value: { kind } };
    case "gamma":
      return gamma(parameters);
    case "ramp":
      return ramp(parameters);
    default:
      return undefined;
  }
}

function gamma([variation, ...more]: readonly string[]): Reading<ArrivalTemplate> {
  if (variation === undefined || more.length > 0 || !/^\d+(\.\d+)?$/.test(variation)) {
    return wrongParameters("gamma");
  }
  return { value: { kind: "gamma", coefficientOfVariation: Number(variation) } };
}

function ramp([from, to, ...more]: readonly string[]): Reading<ArrivalTemplate> {
  if (from === undefined || to === undefined || more.length > 0) return wrongParameters("ramp");
  const fromRate = rampRate(from);
  const toRate = rampRate(to);
  if (!("value" in fromRate)) return fromRate;
  if (!("value" in toRate)) return toRate;
  return {
    value: { kind: "ramp", fromRatePerSecond: fromRate.value, toRatePerSecond: toRate.value },
  };
}

/** A ramp may start or end at nothing. */
function rampRate(text: string): Reading<number> {
  return text.trim() === "0" ? { value: 0 } : readRate(text);
}

function wrongParameters(kind: string): Reading<never> {
  return { message: `${kind} has other parameters than that`, hint: ALLOWED };
}

function unknownKind(text: string, kind: string): Reading<never> {
  if (NOT_YET.includes(kind)) {
    return {
      message: `the arrival process "${kind}" is not built yet`,
      hint: ALLOWED,
      notYet: true,
    };
  }
  const near = nearest(kind, KINDS);
  const guess = near === undefined ? "" : `did you mean ${near}? `;
  return { message: `there is no arrival process ${JSON.stringify(text)}`, hint: guess + ALLOWED };
}
