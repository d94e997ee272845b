import { parseDurationNs } from "../shared/slo/duration.ts";
import type { BatchingConfig, ServiceTime, TokenSpread } from "./scheduler/config.ts";

/** A value, or why the text is none. */
export type Read<Value> = { readonly value: Value } | { readonly problem: string };

/** A duration with its unit, ns; "0" needs none. */
export function readDurationNs(text: string): Read<number> {
  if (/^0+(us|ms|s|min)?$/.test(text)) return { value: 0 };
  const parsed = parseDurationNs(text);
  if (typeof parsed === "number") return { value: parsed };
  return { problem: `${parsed.problem}; ${parsed.hint}` };
}

export function readWhole(text: string, range: { min: number; max: number }): Read<number> {
  const value = /^\d+$/.test(text) ? Number(text) : NaN;
  if (value >= range.min && value <= range.max) return { value };
  return { problem: `"${text}" is no whole number from ${range.min} to ${range.max}` };
}

export function readNumber(text: string, range: { min: number; max: number }): Read<number> {
  const value = text.trim() === "" ? NaN : Number(text);
  if (value >= range.min && value <= range.max) return { value };
  return { problem: `"${text}" is no number from ${range.min} to ${range.max}` };
}

function map<From, To>(read: Read<From>, convert: (value: From) => To): Read<To> {
  return "problem" in read ? read : { value: convert(read.value) };
}

/** All values, or what is wrong with the first bad one. */
function all(reads: readonly Read<number>[]): Read<number[]> {
  const values: number[] = [];
  for (const read of reads) {
    if ("problem" in read) return read;
    values.push(read.value);
  }
  return { value: values };
}

/** `fixed:20ms`, `exp:30ms`, `lognormal:MEAN:CV`. */
export function readService(text: string): Read<ServiceTime> {
  const [kind, mean = "", variation, ...more] = text.split(":");
  const form = `${kind ?? ""}/${more.length + (variation === undefined ? 1 : 2)}`;
  switch (form) {
    case "fixed/1":
      return map(readDurationNs(mean), (meanNs) => ({ kind: "fixed", meanNs }));
    case "exp/1":
      return map(readDurationNs(mean), (meanNs) => ({ kind: "exponential", meanNs }));
    case "lognormal/2":
      return map(
        all([readDurationNs(mean), readNumber(variation ?? "", { min: 0.01, max: 20 })]),
        ([meanNs = 0, coefficientOfVariation = 1]) => ({
          kind: "lognormal",
          meanNs,
          coefficientOfVariation,
        }),
      );
    default:
      return {
        problem: `"${text}" is no service time; write fixed:20ms, exp:30ms or lognormal:30ms:0.8`,
      };
  }
}

/** `after`, `inside`, `fraction:0.2`; see TokenSpread. */
export function readSpread(text: string, gapNs: number): Read<TokenSpread> {
  if (text === "after") return { value: { kind: "after-service", gapNs } };
  if (text === "inside") return { value: { kind: "in-service", gapNs } };
  const fraction = readNumber(text.replace(/^fraction:/, ""), { min: 0, max: 1 });
  if (!text.startsWith("fraction:") || "problem" in fraction) {
    return { problem: `"${text}" says no place of tokens; write after, inside or fraction:0.2` };
  }
  return { value: { kind: "within-service", firstTokenFraction: fraction.value } };
}

/** vLLM's default token budget of a step on small machines. */
const STEP_TOKENS_DEFAULT = 2048;
const BATCHING_FORM = "write a:b:c:M or a:b:c:M:budget, as 8ms:50us:50us:256:512";

/** `a:b:c:M[:budget]`: a step takes a + b · sequences + c · prompt tokens. */
export function readBatching(text: string): Read<BatchingConfig> {
  const parts = text.split(":");
  if (parts.length !== 4 && parts.length !== 5) {
    return { problem: `"${text}" has ${parts.length} parts; ${BATCHING_FORM}` };
  }
  const budget = parts[4] ?? String(STEP_TOKENS_DEFAULT);
  const read = all([
    ...parts.slice(0, 3).map(readDurationNs),
    ...[parts[3] ?? "", budget].map((part) => readWhole(part, { min: 1, max: 1_000_000 })),
  ]);
  return "problem" in read
    ? { problem: `${read.problem}; ${BATCHING_FORM}` }
    : { value: batchingOf(read.value) };
}

function batchingOf([a = 0, b = 0, c = 0, sequencesMax = 1, stepTokensMax = 1]: readonly number[]) {
  return {
    kind: "batching",
    // A step of no length would be an endless loop in no time.
    stepBaseNs: Math.max(1_000, a),
    perSequenceNs: b,
    perPromptTokenNs: c,
    sequencesMax,
    stepTokensMax,
  } as const;
}
