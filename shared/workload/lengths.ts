import { assert } from "../assert.ts";
import { ExitCode, LoadError } from "../errors.ts";
import { drawLognormal, drawNormal } from "../random/samplers.ts";
import type { Prng } from "../random/stream.ts";
import type { Lengths } from "./workload.ts";

/** The longest request there can be, tokens: a heavy tail must not make a prompt that fills the memory. */
export const LENGTH_TOKENS_MAX = 1_048_576;

/** A file that holds the values of an empirical distribution; whoever may read files loads it. */
export interface EmpiricalFile {
  readonly kind: "empirical-file";
  readonly file: string;
}

const GRAMMAR =
  "write 128, uniform:64:256 (low:high), normal:512:128 (mean:standard deviation), " +
  "lognormal:512:0.8 (mean:coefficient of variation) or empirical:FILE";

/**
 * Reads a distribution of token counts as the command line and plans write it.
 *
 * @throws LoadError LL_LENGTHS_INVALID.
 */
export function parseLengths(text: string): Lengths | EmpiricalFile {
  const colon = text.indexOf(":");
  const kind = colon === -1 ? "fixed" : text.slice(0, colon);
  const rest = text.slice(colon + 1);
  switch (kind) {
    case "fixed":
      return { kind, tokens: tokensOf(text, rest) };
    case "uniform": {
      const [low, high] = pairOf(text, rest);
      const lengths = { kind, low: tokensOf(text, low), high: tokensOf(text, high) } as const;
      if (lengths.low > lengths.high) throw invalid(text, "its low end is above its high end");
      return lengths;
    }
    case "normal": {
      const [mean, standardDeviation] = pairOf(text, rest);
      return {
        kind,
        mean: meanOf(text, mean),
        standardDeviation: spreadOf(text, standardDeviation),
      };
    }
    case "lognormal": {
      const [mean, variation] = pairOf(text, rest);
      return { kind, mean: meanOf(text, mean), coefficientOfVariation: spreadOf(text, variation) };
    }
    case "empirical":
      if (rest === "") throw invalid(text, "it names no file");
      return { kind: "empirical-file", file: rest };
    default:
      throw invalid(text, `"${kind}" is no distribution`);
  }
}

/**
 * Reads the contents of an empirical distribution's file: whole numbers from 1, split by spaces, commas or lines.
 *
 * @throws LoadError LL_LENGTHS_INVALID.
 */
export function parseEmpirical(file: string, contents: string): Lengths {
  const text = `empirical:${file}`;
  const words = contents.split(/[\s,]+/).filter((word) => word !== "");
  if (words.length === 0) throw invalid(text, "the file holds no number");
  return { kind: "empirical", values: words.map((word) => tokensOf(text, word)) };
}

/** Back to the text that `parseLengths` reads; of loaded empirical values, a summary for people. */
export function lengthsText(lengths: Lengths | EmpiricalFile): string {
  switch (lengths.kind) {
    case "fixed":
      return String(lengths.tokens);
    case "uniform":
      return `uniform:${lengths.low}:${lengths.high}`;
    case "normal":
      return `normal:${lengths.mean}:${lengths.standardDeviation}`;
    case "lognormal":
      return `lognormal:${lengths.mean}:${lengths.coefficientOfVariation}`;
    case "empirical-file":
      return `empirical:${lengths.file}`;
    case "empirical":
      return `empirical (${lengths.values.length} values, mean ${meanLength(lengths).toFixed(1)})`;
  }
}

/** The distribution's own mean, tokens, before rounding and clipping: a wide one that is clipped at 1 draws a bit more. */
export function meanLength(lengths: Lengths): number {
  switch (lengths.kind) {
    case "fixed":
      return lengths.tokens;
    case "uniform":
      return (lengths.low + lengths.high) / 2;
    case "normal":
    case "lognormal":
      return lengths.mean;
    case "empirical":
      return lengths.values.reduce((sum, value) => sum + value, 0) / lengths.values.length;
  }
}

/** A whole number of tokens, 1 to LENGTH_TOKENS_MAX. */
export function drawLength(lengths: Lengths, prng: Prng): number {
  const drawn = Math.round(drawUnclipped(lengths, prng));
  return Math.min(LENGTH_TOKENS_MAX, Math.max(1, drawn));
}

function drawUnclipped(lengths: Lengths, prng: Prng): number {
  switch (lengths.kind) {
    case "fixed":
      return lengths.tokens;
    case "uniform":
      return lengths.low + Math.floor(prng.nextUnit() * (lengths.high - lengths.low + 1));
    case "normal":
      return lengths.mean + lengths.standardDeviation * drawNormal(prng);
    case "lognormal":
      return drawLognormal(prng, lengths);
    case "empirical": {
      const value = lengths.values[Math.floor(prng.nextUnit() * lengths.values.length)];
      assert(value !== undefined, "an empirical distribution holds at least one value");
      return value;
    }
  }
}

function pairOf(text: string, rest: string): [string, string] {
  const [first, second, ...more] = rest.split(":");
  if (first === undefined || second === undefined || more.length > 0) {
    throw invalid(text, "it needs two numbers");
  }
  return [first, second];
}

function tokensOf(text: string, word: string): number {
  const tokens = /^\d+$/.test(word) ? Number(word) : NaN;
  if (tokens >= 1 && tokens <= LENGTH_TOKENS_MAX) return tokens;
  throw invalid(text, `"${word}" is no whole number from 1 to ${LENGTH_TOKENS_MAX}`);
}

function meanOf(text: string, word: string): number {
  const mean = numberOf(text, word);
  if (mean >= 1 && mean <= LENGTH_TOKENS_MAX) return mean;
  throw invalid(text, `a mean is from 1 to ${LENGTH_TOKENS_MAX} tokens`);
}

function spreadOf(text: string, word: string): number {
  const spread = numberOf(text, word);
  if (spread <= LENGTH_TOKENS_MAX) return spread;
  throw invalid(text, `"${word}" is too wide a spread`);
}

/** A decimal number without a sign or an exponent. */
function numberOf(text: string, word: string): number {
  if (/^(\d+(\.\d*)?|\.\d+)$/.test(word)) return Number(word);
  throw invalid(text, `"${word}" is no number of at least 0`);
}

function invalid(text: string, reason: string): LoadError {
  return new LoadError(`"${text}" is no distribution of token counts: ${reason}`, {
    code: "LL_LENGTHS_INVALID",
    hint: GRAMMAR,
    exitCode: ExitCode.PlanInvalid,
  });
}
