import { fromBinary } from "@bufbuild/protobuf";
import type { DescMessage, MessageShape } from "@bufbuild/protobuf";
import { assert } from "../assert.ts";
import { ExitCode, LoadError } from "../errors.ts";

/** The largest control message that is looked at; NATS's own default limit. */
export const MESSAGE_BYTES_MAX = 1_048_576;

/** Longest names (agent, run, class, file), and longest sentences for people, in UTF-16 units. */
export const NAME_LENGTH_MAX = 256;
const TEXT_LENGTH_MAX = 8_192;

const UINT32_MAX = 0xffff_ffff;

/** The error of every decoder here: a message that is not one of ours, or asks for what cannot be. */
export function malformed(what: string, cause?: unknown): LoadError {
  return new LoadError(`a message was refused: ${what}`, {
    code: "LL_MESSAGE_MALFORMED",
    hint: "run the same Loadline version on the coordinator and on every agent",
    exitCode: ExitCode.Unexpected,
    cause,
  });
}

/** Parses without trust; whatever the library throws becomes LL_MESSAGE_MALFORMED. */
export function parseMessage<Desc extends DescMessage>(
  schema: Desc,
  bytes: Uint8Array,
): MessageShape<Desc> {
  if (bytes.length > MESSAGE_BYTES_MAX) {
    throw malformed(`it has ${bytes.length} bytes, at most ${MESSAGE_BYTES_MAX} are read`);
  }
  try {
    return fromBinary(schema, bytes, { readUnknownFields: false });
  } catch (cause) {
    throw malformed(`it is not a ${schema.name}`, cause);
  }
}

/** A sub-message that must be there. */
export function required<T>(value: T | undefined, field: string): T {
  if (value === undefined) throw malformed(`${field} is missing`);
  return value;
}

export function check(condition: boolean, what: string): asserts condition {
  if (!condition) throw malformed(what);
}

/** A string of at most `lengthMax` UTF-16 units. */
export function text(value: string, field: string, lengthMax = TEXT_LENGTH_MAX): string {
  check(value.length <= lengthMax, `${field} is longer than ${lengthMax} characters`);
  return value;
}

/** A name: not empty, without control characters. */
export function name(value: string, field: string): string {
  check(value !== "", `${field} is empty`);
  // Names end up in terminals, logs and file names.
  check(!/\p{Cc}/u.test(value), `${field} holds a control character`);
  return text(value, field, NAME_LENGTH_MAX);
}

/** 64-bit counts and instants are numbers in the domain; beyond 2^53 - 1 they would lose their last digits. */
export function safeInteger(value: bigint, field: string): number {
  const number = Number(value);
  check(Number.isSafeInteger(number), `${field} is beyond the integers that can be counted with`);
  return number;
}

/** As `safeInteger`, and at least `min`. */
export function safeIntegerFrom(min: number, value: bigint, field: string): number {
  const number = safeInteger(value, field);
  check(number >= min, `${field} is below ${min}`);
  return number;
}

export function finite(value: number, field: string): number {
  check(Number.isFinite(value), `${field} is not a finite number`);
  return value + 0; // -0 becomes 0, which is what it would be after another trip.
}

export function finiteFrom(min: number, value: number, field: string): number {
  check(finite(value, field) >= min, `${field} is below ${min}`);
  return value;
}

export function positive(value: number, field: string): number {
  check(finite(value, field) > 0, `${field} is not above 0`);
  return value;
}

export function lengthUpTo<T>(max: number, list: readonly T[], field: string): readonly T[] {
  check(list.length <= max, `${field} has ${list.length} entries, at most ${max} are taken`);
  return list;
}

/** A word of a closed list. */
export function oneOf<const T extends string>(
  words: readonly T[],
  value: string,
  field: string,
): T {
  const word = words.find((candidate) => candidate === value);
  if (word === undefined) {
    throw malformed(
      `${field} is ${JSON.stringify(value.slice(0, 40))}, not one of ${words.join(", ")}`,
    );
  }
  return word;
}

/** A whole number of the domain for a 64-bit field; anything else is our bug. */
export function toInt64(value: number, field: string): bigint {
  assert(Number.isSafeInteger(value), `${field} is a safe integer`);
  return BigInt(value);
}

/** An instant or duration in ns; clocks may give fractions, which mean nothing and are rounded away. */
export function nsToInt64(valueNs: number, field: string): bigint {
  return toInt64(Math.round(valueNs), field);
}

/** A whole number of the domain for a 32-bit field. */
export function toUint32(value: number, field: string): number {
  assert(Number.isInteger(value) && value >= 0 && value <= UINT32_MAX, `${field} fits 32 bits`);
  return value;
}

/** An upper bound that may be infinite in the domain travels as the largest number of its field. */
export function boundToUint32(value: number, field: string): number {
  return toUint32(Math.min(value, UINT32_MAX), field);
}
