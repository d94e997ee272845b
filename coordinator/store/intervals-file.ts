import { createReadStream } from "node:fs";
import { join } from "node:path";
import { BinaryReader, BinaryWriter } from "@bufbuild/protobuf/wire";
import { LoadError } from "../../shared/errors.ts";
import type { IntervalReport } from "../../shared/measurement/report.ts";
import { REPORT_BYTES_MAX } from "../../shared/wire/report-bounds.ts";
import { decodeIntervalReport } from "../../shared/wire/report-codec.ts";
import { damaged, readFailed } from "./store-errors.ts";
import type { ReadOptions } from "./torn.ts";

export const INTERVALS_FILE = "intervals.bin";

/** A varint of the length takes no more than this many bytes. */
const LENGTH_BYTES_MAX = 5;

/** One entry: the report's length as a varint, then the report as on the wire (proto: IntervalReport). */
export function intervalEntry(report: Uint8Array): Uint8Array {
  return new BinaryWriter().bytes(report).finish();
}

/**
 * Every report that was acknowledged, in the order in which they came; perhaps some more that were written and not
 * acknowledged any more, and then a report may be there twice.
 *
 * @throws LoadError LL_RUN_FOLDER_READ, or LL_RUN_FOLDER_DAMAGED where an entry before the last is no report.
 */
export async function* readIntervals(
  directory: string,
  options: ReadOptions = {},
): AsyncGenerator<IntervalReport> {
  const path = join(directory, INTERVALS_FILE);
  let rest = Buffer.alloc(0);
  let wholeBytes = 0;
  try {
    for await (const chunk of createReadStream(path) as AsyncIterable<Buffer>) {
      rest = Buffer.concat([rest, chunk]);
      let entry = firstEntry(rest, { path, wholeBytes });
      while (entry !== undefined) {
        yield decodeAt(entry.report, { path, wholeBytes });
        rest = rest.subarray(entry.bytes);
        wholeBytes += entry.bytes;
        entry = firstEntry(rest, { path, wholeBytes });
      }
    }
  } catch (error) {
    throw error instanceof LoadError ? error : readFailed(path, error);
  }
  if (rest.length > 0) options.onTorn?.({ path, wholeBytes });
}

interface Place {
  readonly path: string;
  readonly wholeBytes: number;
}

/** The entry that `buffer` begins with; undefined while it is not all there. */
function firstEntry(
  buffer: Uint8Array,
  place: Place,
): { readonly report: Uint8Array; readonly bytes: number } | undefined {
  const lengthBytes = buffer.subarray(0, LENGTH_BYTES_MAX).findIndex((byte) => byte < 0x80) + 1;
  if (lengthBytes === 0) {
    if (buffer.length < LENGTH_BYTES_MAX) return undefined;
    throw damagedAt(place, "a length is no varint");
  }
  const length = new BinaryReader(buffer).uint32();
  if (length > REPORT_BYTES_MAX) throw damagedAt(place, `a report is said to have ${length} bytes`);
  const bytes = lengthBytes + length;
  return buffer.length < bytes ? undefined : { report: buffer.subarray(lengthBytes, bytes), bytes };
}

function decodeAt(report: Uint8Array, place: Place): IntervalReport {
  try {
    return decodeIntervalReport(report);
  } catch (cause) {
    throw damagedAt(place, cause);
  }
}

function damagedAt({ path, wholeBytes }: Place, cause: unknown): LoadError {
  return damaged(path, { where: `at byte ${wholeBytes}`, cause });
}
