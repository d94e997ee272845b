import { ExitCode, LoadError } from "../errors.ts";
import { BUCKET_COUNT, bucketIndexOf, type ExactParts, GEOMETRY, Histogram } from "./histogram.ts";
import { readZigZag, writeZigZag } from "./zig-zag.ts";

/**
 * HdrHistogram's V2 encoding, big-endian, as its Java library writes and reads it:
 *
 *     0  int32   cookie 0x1c849303 | 0x10
 *     4  int32   payload length in bytes
 *     8  int32   normalizing index offset: 0
 *     12 int32   significant digits
 *     16 int64   lowest discernible value, ticks
 *     24 int64   highest trackable value, ticks
 *     32 double  integer-to-double conversion ratio: 1.0
 *     40         payload: per bucket from index 0 a zig-zag LEB128 count; a negative number -n stands for n empty buckets
 *
 * We write it ourselves: hdr-histogram-js 3.x puts offset 1 and an *integer* 1 for the ratio into the header, which
 * other readers take for a shift by one bucket and a ratio of 5e-324, and its decoder trusts whatever it is given.
 */
const COOKIE = 0x1c849313;
const COMPRESSED_COOKIE = 0x1c849314;
const HEADER_BYTES = 40;
const COMPRESSED_HEADER_BYTES = 8;

/** The buckets of `histogram`; what it knows exactly (`exactParts`) is not in it and travels beside it. */
export function encodeHistogram(histogram: Histogram): Uint8Array {
  const payload = encodeCounts(histogram);
  const bytes = new Uint8Array(HEADER_BYTES + payload.length);
  const view = new DataView(bytes.buffer);
  view.setInt32(0, COOKIE);
  view.setInt32(4, payload.length);
  view.setInt32(8, 0);
  view.setInt32(12, GEOMETRY.significantDigits);
  view.setBigInt64(16, BigInt(GEOMETRY.lowestTicks));
  view.setBigInt64(24, BigInt(GEOMETRY.highestTicks));
  view.setFloat64(32, 1);
  bytes.set(payload, HEADER_BYTES);
  return bytes;
}

function encodeCounts(histogram: Histogram): readonly number[] {
  const payload: number[] = [];
  let next = 0;
  histogram.forEachCount((index, count) => {
    const zeros = index - next;
    // HdrHistogram writes a single empty bucket as a count of 0, and only longer runs as a negative number.
    if (zeros > 0) writeZigZag(payload, zeros === 1 ? 0 : -zeros);
    writeZigZag(payload, count);
    next = index + 1;
  });
  return payload;
}

/**
 * Reads what `encodeHistogram` wrote, here or in another HdrHistogram library, together with the exact values that
 * travelled beside it. Nothing is allocated before the header is known to be ours, and never more than the geometry
 * has buckets, whatever the bytes say.
 *
 * @throws LoadError LL_HISTOGRAM_INVALID.
 */
export function decodeHistogram(
  bytes: Uint8Array,
  options: { readonly unitsPerTick: number; readonly exact: ExactParts },
): Histogram {
  checkHeader(bytes);
  const histogram = new Histogram(options.unitsPerTick);
  const ends = decodeCounts(bytes, histogram);
  addExactChecked(histogram, options.exact, ends);
  return histogram;
}

/**
 * As `decodeHistogram` and then `target.add`, so that bytes that turn out bad half-way leave `target` as it was.
 *
 * @throws LoadError LL_HISTOGRAM_INVALID.
 */
export function decodeHistogramInto(target: Histogram, bytes: Uint8Array, exact: ExactParts): void {
  target.add(decodeHistogram(bytes, { unitsPerTick: target.unitsPerTick, exact }));
}

/**
 * As `decodeHistogram` for bytes that come without exact values, such as a file of another tool: min, max and sum are
 * then those of the buckets (their lowest and highest values, and their middles).
 *
 * @throws LoadError LL_HISTOGRAM_INVALID.
 */
export function decodeHistogramAlone(bytes: Uint8Array, unitsPerTick: number): Histogram {
  checkHeader(bytes);
  const histogram = new Histogram(unitsPerTick);
  decodeCounts(bytes, histogram);
  const buckets = histogram.buckets();
  let sum = 0;
  for (const bucket of buckets) sum += ((bucket.lowest + bucket.highest) / 2) * bucket.count;
  const min = buckets[0]?.lowest ?? Infinity;
  const max = buckets.at(-1)?.highest ?? -Infinity;
  histogram.addExact({ min, max, sum, overflow: 0 });
  return histogram;
}

/**
 * The payload of one line of an HdrHistogram log (`.hlog`): the compressed V2 form, before base64.
 *
 * @param deflate zlib's deflate (RFC 1950), handed in because this folder does no I/O.
 */
export function hlogPayload(
  v2Bytes: Uint8Array,
  deflate: (bytes: Uint8Array) => Uint8Array,
): Uint8Array {
  const compressed = deflate(v2Bytes);
  const bytes = new Uint8Array(COMPRESSED_HEADER_BYTES + compressed.length);
  const view = new DataView(bytes.buffer);
  view.setInt32(0, COMPRESSED_COOKIE);
  view.setInt32(4, compressed.length);
  bytes.set(compressed, COMPRESSED_HEADER_BYTES);
  return bytes;
}

function checkHeader(bytes: Uint8Array): void {
  if (bytes.length < HEADER_BYTES) throw invalid(`it has ${bytes.length} bytes and no header`);
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  if (view.getInt32(0) !== COOKIE) {
    throw invalid(`it begins with ${view.getUint32(0).toString(16)}, not with V2's cookie`);
  }
  const payloadBytes = view.getInt32(4);
  if (payloadBytes !== bytes.length - HEADER_BYTES) {
    throw invalid(
      `it declares ${payloadBytes} payload bytes and holds ${bytes.length - HEADER_BYTES}`,
    );
  }
  if (view.getInt32(8) !== 0) throw invalid(`its indexes are shifted by ${view.getInt32(8)}`);
  if (view.getFloat64(32) !== 1) throw invalid("its values are scaled by another ratio than 1.0");
  const digits = view.getInt32(12);
  const lowest = view.getBigInt64(16);
  const highest = view.getBigInt64(24);
  const isOurs =
    digits === GEOMETRY.significantDigits &&
    lowest === BigInt(GEOMETRY.lowestTicks) &&
    highest === BigInt(GEOMETRY.highestTicks);
  if (!isOurs) {
    throw invalid(
      `its geometry is ${digits} digits from ${String(lowest)} to ${String(highest)} ticks`,
    );
  }
}

/** Indexes of the first and last bucket that hold something; -1 where none does. */
interface BucketEnds {
  first: number;
  last: number;
}

function decodeCounts(bytes: Uint8Array, histogram: Histogram): BucketEnds {
  const cursor = { at: HEADER_BYTES };
  const ends = { first: -1, last: -1 };
  let index = 0;
  while (cursor.at < bytes.length) {
    const value = readZigZag(bytes, cursor);
    if (value === undefined) {
      throw invalid(`the count at byte ${cursor.at} is cut off or above 2^53`);
    }
    if (value > 0 && index < BUCKET_COUNT) {
      histogram.addCountAt(index, value);
      if (ends.first < 0) ends.first = index;
      ends.last = index;
    }
    index += value < 0 ? -value : 1;
    if (index > BUCKET_COUNT) {
      throw invalid(`it runs past the last of ${BUCKET_COUNT} buckets`);
    }
  }
  if (!Number.isSafeInteger(histogram.count)) throw invalid("its counts add up to more than 2^53");
  return ends;
}

function addExactChecked(histogram: Histogram, exact: ExactParts, ends: BucketEnds): void {
  const { min, max, overflow } = exact;
  if (!Number.isSafeInteger(overflow) || overflow < 0) throw invalid(`its overflow is ${overflow}`);
  const count = histogram.count + overflow;
  if (count === 0) return;
  if (!arePossible(exact, count)) {
    throw invalid(`${count} values cannot have min ${min}, max ${max} and sum ${exact.sum}`);
  }
  const indexOf = (value: number): number =>
    bucketIndexOf(Math.round(value / histogram.unitsPerTick));
  const first = ends.first < 0 ? BUCKET_COUNT : ends.first;
  const last = overflow > 0 ? BUCKET_COUNT : ends.last;
  if (indexOf(min) !== first || indexOf(max) !== last) {
    throw invalid(`its min ${min} and max ${max} do not lie in its outermost buckets`);
  }
  histogram.addExact(exact);
}

/** Written so that NaN anywhere is false. A sum of floats may be off by its rounding. */
function arePossible({ min, max, sum }: ExactParts, count: number): boolean {
  const isOrdered = min >= 0 && min <= max && max < Infinity;
  return isOrdered && sum >= min * count * (1 - 1e-6) && sum <= max * count * (1 + 1e-6);
}

function invalid(problem: string): LoadError {
  return new LoadError(`a histogram was to be decoded, but ${problem}`, {
    code: "LL_HISTOGRAM_INVALID",
    hint: "it was damaged, or written by another version; use the same Loadline on every machine",
    exitCode: ExitCode.MeasurementInvalid,
  });
}
