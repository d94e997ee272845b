import { z } from "zod";
import { LoadError } from "../../shared/errors.ts";
import { nearest } from "../../shared/slo/near-miss.ts";
import type { Reading } from "./problem.ts";

/** What a custom issue of ours carries beside its message. */
export interface IssueParameters {
  readonly hint: string;
  readonly notYet: boolean;
}

/** Words or numbers, as YAML knows them; a flag is always words. */
const scalar = z.union([z.string(), z.number()]);

/** A field whose text is read by `read`. */
export function textField<Value>(
  description: string,
  read: (text: string) => Reading<Value>,
): z.ZodType<Value, string | number> {
  return scalar
    .transform((value, context) => settle(read(String(value)), context))
    .meta({
      description,
    });
}

/** Hands zod the value, or the problem. */
export function settle<Value>(
  reading: Reading<Value>,
  context: z.core.$RefinementCtx,
  path: readonly PropertyKey[] = [],
): Value {
  if ("value" in reading) return reading.value;
  const parameters: IssueParameters = {
    hint: reading.hint,
    notYet: reading.notYet === true,
  };
  context.addIssue({
    code: "custom",
    message: reading.message,
    params: { ...parameters },
    path: [...path],
  });
  return z.NEVER;
}

/** Turns what shared parsers throw into a reading. */
export function readOrProblem<Value>(read: () => Value): Reading<Value> {
  try {
    return { value: read() };
  } catch (error) {
    if (!(error instanceof LoadError)) throw error;
    return { message: error.message, hint: error.hint };
  }
}

/** Several values: `1,4,8`, or a list of YAML. */
export function listField<Value>(
  description: string,
  read: (text: string) => Reading<readonly Value[]>,
): z.ZodType<readonly Value[], string | number | readonly (string | number)[]> {
  return z
    .union([scalar, z.array(scalar).min(1).readonly()])
    .transform((value, context) =>
      Array.isArray(value)
        ? value.flatMap((item, index) => settle(read(String(item)), context, [index]))
        : settle(read(String(value)), context),
    )
    .meta({ description });
}

/** One of a few words; some of which are designed and not built. */
export function choiceField<Word extends string>(
  description: string,
  words: readonly Word[],
  notYet: readonly string[] = [],
): z.ZodType<Word, string | number> {
  const typed = words.flatMap((word) =>
    Number.isNaN(Number(word)) ? [word] : [word, Number(word)],
  );
  const field = textField(description, (text) => {
    const word = words.find((candidate) => candidate === text.trim());
    if (word !== undefined) return { value: word };
    const hint = `write ${words.join(" or ")}`;
    if (notYet.includes(text)) return { message: `"${text}" is not built yet`, hint, notYet: true };
    const near = nearest(text, words);
    const guess = near === undefined ? "" : `did you mean ${near}? `;
    return { message: `"${text}" is none of them`, hint: guess + hint };
  });
  return field.meta({ ...field.meta(), enum: typed });
}

/** Words of a shape. `secret`: what was typed is not repeated. */
export function patternField(
  description: string,
  options: { pattern: RegExp; hint: string; secret?: boolean },
): z.ZodType<string, string | number> {
  return textField(description, (text) => {
    const value = text.trim();
    if (options.pattern.test(value)) return { value };
    const message =
      options.secret === true
        ? "it is not of the right form"
        : `"${text}" is not of the right form`;
    return { message, hint: options.hint };
  });
}

export function switchField(description: string): z.ZodType<boolean, boolean> {
  return z.boolean().meta({ description });
}

/** Designed, and not built: whatever it is set to is refused, unless that turns it off. */
export function notYetField(name: string): z.ZodType<null> {
  return z.unknown().transform((value, context) => {
    const isOff = value === false || value === 0 || value === "0";
    const refusal = { message: `${name} is not built yet`, hint: "leave it out", notYet: true };
    return settle<null>(isOff ? { value: null } : refusal, context);
  });
}
