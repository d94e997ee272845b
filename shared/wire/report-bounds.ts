import type { DescField, DescMessage, MessageShape } from "@bufbuild/protobuf";
import { fromBinary } from "@bufbuild/protobuf";
import { BinaryReader, WireType } from "@bufbuild/protobuf/wire";
import { ExitCode, LoadError } from "../errors.ts";

/** Longest message of the result path that is decoded, in bytes; a usual report has a few thousand. */
export const REPORT_BYTES_MAX = 4 * 1024 * 1024;

/**
 * Most objects and list entries that one message may ask to be built: a message of two-byte entries would
 * otherwise cost a hundred times its length in memory.
 */
const ELEMENTS_MAX = 262_144;

/** Longest name (run, agent, class, metric) and longest sentence of a refusal, in UTF-16 units. */
export const NAME_LENGTH_MAX = 256;
const TEXT_LENGTH_MAX = 4_096;

/** The error of a message that no agent of ours sends. `problem` says which field and what is wrong with it. */
export function malformed(problem: string, cause?: unknown): LoadError {
  return new LoadError(`a message of the result path cannot be used: ${problem}`, {
    code: "LL_REPORT_MALFORMED",
    hint: "agent and coordinator must be of the same version; if they are, please report it",
    exitCode: ExitCode.MeasurementInvalid,
    ...(cause === undefined ? {} : { cause }),
  });
}

/**
 * Decodes a message after its length and the number of its elements were found to be bounded, and drops the
 * fields it does not know.
 *
 * @throws LoadError LL_REPORT_MALFORMED, whatever the bytes.
 */
export function decodeBounded<Desc extends DescMessage>(
  schema: Desc,
  bytes: Uint8Array,
): MessageShape<Desc> {
  if (bytes.length > REPORT_BYTES_MAX) {
    throw malformed(`it has ${bytes.length} bytes, more than ${REPORT_BYTES_MAX}`);
  }
  let elements: number;
  try {
    elements = countElements(schema, bytes);
  } catch (cause) {
    throw malformed("it is not a protobuf message", cause);
  }
  if (elements > ELEMENTS_MAX) {
    throw malformed(`it holds ${elements} elements, more than ${ELEMENTS_MAX}`);
  }
  try {
    return fromBinary(schema, bytes, { readUnknownFields: false });
  } catch (cause) {
    throw malformed(`it is not a ${schema.typeName}`, cause);
  }
}

/** An upper bound of the objects and list entries that decoding would make; makes none itself. */
function countElements(schema: DescMessage, bytes: Uint8Array): number {
  const reader = new BinaryReader(bytes);
  let elements = 1;
  while (reader.pos < reader.len && elements <= ELEMENTS_MAX) {
    const [number, wireType] = reader.tag();
    if (wireType === WireType.StartGroup || wireType === WireType.EndGroup) {
      throw new Error("it holds a group");
    }
    if (wireType !== WireType.LengthDelimited) {
      reader.skip(wireType, number);
      elements += 1;
      continue;
    }
    const contents = reader.bytes();
    const field = schema.fields.find((candidate) => candidate.number === number);
    const inner = field === undefined ? undefined : messageOf(field);
    if (inner !== undefined) elements += countElements(inner, contents);
    else elements += field?.fieldKind === "list" ? countVarints(contents) : 1;
  }
  return elements;
}

/** Every packed list of this protocol holds varints, whose last byte alone has no high bit. */
function countVarints(packed: Uint8Array): number {
  let ends = 0;
  for (const byte of packed) if (byte < 0x80) ends += 1;
  return ends;
}

function messageOf(field: DescField): DescMessage | undefined {
  return field.fieldKind === "message" || field.fieldKind === "list" ? field.message : undefined;
}

/** A count: a non-negative integer that a double holds exactly. */
export function countOf(value: bigint, field: string): number {
  if (value < 0n || value > Number.MAX_SAFE_INTEGER) {
    throw malformed(`${field} = ${value.toString()} is not from 0 to 2^53 - 1`);
  }
  return Number(value);
}

/** An integer, of either sign, that a double holds exactly. */
export function integerOf(value: bigint, field: string): number {
  if (value > Number.MAX_SAFE_INTEGER || value < Number.MIN_SAFE_INTEGER) {
    throw malformed(`${field} = ${value.toString()} is not within ±(2^53 - 1)`);
  }
  return Number(value);
}

/** A finite number that is not negative. */
export function amountOf(value: number, field: string): number {
  if (!(value >= 0 && value < Infinity)) {
    throw malformed(`${field} = ${value} is not a number from 0`);
  }
  return value;
}

export function nameOf(value: string, field: string): string {
  if (value.length === 0 || value.length > NAME_LENGTH_MAX) {
    throw malformed(`${field} has ${value.length} characters, not 1 to ${NAME_LENGTH_MAX}`);
  }
  return value;
}

export function textOf(value: string, field: string): string {
  if (value.length > TEXT_LENGTH_MAX) {
    throw malformed(`${field} has ${value.length} characters, more than ${TEXT_LENGTH_MAX}`);
  }
  return value;
}

/** Nothing is built of a list before its length was found to be within its bound. */
export function bounded<Item>(list: readonly Item[], max: number, field: string): readonly Item[] {
  if (list.length > max) throw malformed(`${field} has ${list.length} entries, more than ${max}`);
  return list;
}

/** A part that every agent of ours sends. */
export function present<Part>(part: Part | undefined, field: string): Part {
  if (part === undefined) throw malformed(`${field} is missing`);
  return part;
}
