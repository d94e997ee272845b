import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { LoadError } from "../../../shared/errors.ts";
import {
  decodeHistogram,
  decodeHistogramAlone,
  encodeHistogram,
} from "../../../shared/measurement/hdr-v2.ts";
import { BUCKET_COUNT, Histogram } from "../../../shared/measurement/histogram.ts";
import { writeZigZag } from "../../../shared/measurement/zig-zag.ts";

const sample = new Histogram(1000);
for (const value of [1_500_000, 7_000_000, 9_000_000_000]) sample.record(value);

/** The sample with a field of its header overwritten. */
function withField(write: (view: DataView) => void): Uint8Array {
  const bytes = encodeHistogram(sample);
  write(new DataView(bytes.buffer));
  return bytes;
}

/** A correct header before any payload. */
function withPayload(...values: readonly number[]): Uint8Array {
  const payload: number[] = [];
  for (const value of values) writeZigZag(payload, value);
  return withBytes(payload);
}

function withBytes(payload: readonly number[]): Uint8Array {
  const bytes = new Uint8Array(40 + payload.length);
  bytes.set(encodeHistogram(sample).subarray(0, 40));
  bytes.set(payload, 40);
  new DataView(bytes.buffer).setInt32(4, payload.length);
  return bytes;
}

describe("the decoder refuses", () => {
  const refusals: readonly (readonly [string, Uint8Array, RegExp])[] = [
    ["no bytes", new Uint8Array(0), /0 bytes and no header/],
    ["half a header", encodeHistogram(sample).subarray(0, 39), /39 bytes and no header/],
    [
      "V0",
      withField((view) => {
        view.setInt32(0, 0x1c849301);
      }),
      /begins with 1c849301/,
    ],
    [
      "the compressed form",
      withField((view) => {
        view.setInt32(0, 0x1c849314);
      }),
      /V2's cookie/,
    ],
    [
      "a payload that is too long",
      withField((view) => {
        view.setInt32(4, 1);
      }),
      /declares 1 payload/,
    ],
    [
      "a negative length",
      withField((view) => {
        view.setInt32(4, -1);
      }),
      /declares -1 payload/,
    ],
    ["a cut-off payload", encodeHistogram(sample).slice(0, -1), /declares \d+ payload bytes/],
    [
      "shifted indexes",
      withField((view) => {
        view.setInt32(8, 1);
      }),
      /shifted by 1/,
    ],
    [
      "other digits",
      withField((view) => {
        view.setInt32(12, 5);
      }),
      /geometry is 5 digits/,
    ],
    [
      "another lowest",
      withField((view) => {
        view.setBigInt64(16, 2n);
      }),
      /from 2 to 3600000000/,
    ],
    [
      "another highest",
      withField((view) => {
        view.setBigInt64(24, -1n);
      }),
      /from 1 to -1 ticks/,
    ],
    [
      "hdr-histogram-js's ratio",
      withField((view) => {
        view.setBigInt64(32, 1n);
      }),
      /ratio than 1\.0/,
    ],
    ["a bucket too many", withPayload(-BUCKET_COUNT, 1), /past the last of 23552/],
    ["a run past the end", withPayload(1, -BUCKET_COUNT), /past the last of 23552/],
    ["an endless run", withPayload(-Number.MAX_SAFE_INTEGER), /past the last of 23552/],
    [
      "counts beyond 2^53",
      withPayload(Number.MAX_SAFE_INTEGER, Number.MAX_SAFE_INTEGER),
      /more than 2\^53/,
    ],
    ["a count of ten bytes", withBytes([...new Array<number>(9).fill(0x80), 0]), /count at byte/],
  ];
  for (const [name, bytes, message] of refusals) {
    test(name, () => {
      assert.throws(
        () => decodeHistogramAlone(bytes, 1000),
        (error) =>
          error instanceof LoadError &&
          error.code === "LL_HISTOGRAM_INVALID" &&
          error.exitCode === 4 &&
          message.test(error.message),
      );
    });
  }

  test("an overflow that no maximum stands for", () => {
    const exact = { ...sample.exactParts(), overflow: 1 };
    assert.throws(
      () => decodeHistogram(encodeHistogram(sample), { unitsPerTick: 1000, exact }),
      /outermost buckets/,
    );
  });
});

test("the last bucket is still within, and trailing empty ones are none", () => {
  assert.equal(decodeHistogramAlone(withPayload(1 - BUCKET_COUNT, 7), 1000).count, 7);
  assert.equal(decodeHistogramAlone(withPayload(7, 1 - BUCKET_COUNT), 1000).count, 7);
  assert.deepEqual(decodeHistogramAlone(withPayload(0, 0), 1000), new Histogram(1000));
});

test("without exact values, min, max and sum are those of the buckets", () => {
  const decoded = decodeHistogramAlone(encodeHistogram(sample), 1000);
  const estimates = [decoded.min, decoded.max, decoded.sum];
  for (const [place, exact] of [1_500_000, 9_000_000_000, 9_008_500_000].entries()) {
    assert.ok(Math.abs(estimates[place]! / exact - 1) <= 0.001);
  }
});

test("a view into a larger buffer decodes as what it shows", () => {
  const bytes = encodeHistogram(sample);
  const padded = new Uint8Array(bytes.length + 20);
  padded.set(bytes, 13);
  const view = padded.subarray(13, 13 + bytes.length);
  assert.deepEqual(decodeHistogramAlone(view, 1000).buckets(), sample.buckets());
});
