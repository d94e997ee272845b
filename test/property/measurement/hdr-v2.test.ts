import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { LoadError } from "../../../shared/errors.ts";
import {
  decodeHistogram,
  decodeHistogramInto,
  encodeHistogram,
} from "../../../shared/measurement/hdr-v2.ts";
import { BUCKET_COUNT, GEOMETRY, Histogram } from "../../../shared/measurement/histogram.ts";
import { readZigZag, writeZigZag } from "../../../shared/measurement/zig-zag.ts";

const recorded = fc
  .array(
    fc.tuple(
      fc.oneof(fc.nat(5_000_000), fc.nat(GEOMETRY.highestTicks * 1200)),
      fc.oneof(fc.constant(1), fc.integer({ min: 1, max: 2 ** 33 })),
    ),
    { maxLength: 60 },
  )
  .map((pairs) => {
    const histogram = new Histogram(1000);
    for (const [value, count] of pairs) histogram.record(value, count);
    return histogram;
  });

/** Runs `task`; a LoadError of the codec is a refusal, anything else a failure of the test. */
function refused(task: () => unknown): boolean {
  try {
    task();
    return false;
  } catch (error) {
    assert.ok(error instanceof LoadError, String(error));
    assert.equal(error.code, "LL_HISTOGRAM_INVALID");
    return true;
  }
}

test("every histogram decodes as itself", () => {
  fc.assert(
    fc.property(recorded, (histogram) => {
      const bytes = encodeHistogram(histogram);
      const exact = histogram.exactParts();
      assert.deepEqual(decodeHistogram(bytes, { unitsPerTick: 1000, exact }), histogram);
    }),
    { numRuns: 300 },
  );
});

test("decoding into a histogram is decoding and adding", () => {
  fc.assert(
    fc.property(recorded, recorded, (target, added) => {
      const expected = new Histogram(1000);
      expected.add(target);
      expected.add(added);
      decodeHistogramInto(target, encodeHistogram(added), added.exactParts());
      assert.deepEqual(target, expected);
    }),
  );
});

test("damaged bytes are refused or decode within the geometry, and leave the target as it was", () => {
  const damage = fc.oneof(
    fc.record({ at: fc.nat(400), byte: fc.nat(255) }).map(({ at, byte }) => (bytes: Uint8Array) => {
      const copy = bytes.slice();
      copy[at % Math.max(1, copy.length)] = byte;
      return copy;
    }),
    fc.nat(400).map((length) => (bytes: Uint8Array) => bytes.slice(0, length)),
    fc.uint8Array({ maxLength: 60 }).map((payload) => (bytes: Uint8Array) => {
      const made = new Uint8Array(40 + payload.length);
      made.set(bytes.subarray(0, 40));
      made.set(payload, 40);
      new DataView(made.buffer).setInt32(4, payload.length);
      return made;
    }),
    fc.uint8Array({ maxLength: 100 }).map((noise) => () => noise),
  );
  let refusals = 0;
  let acceptances = 0;
  fc.assert(
    fc.property(recorded, damage, (histogram, harm) => {
      const target = new Histogram(1000);
      target.record(1_000_000);
      const before = new Histogram(1000);
      before.add(target);
      const bytes = harm(encodeHistogram(histogram));
      if (
        refused(() => {
          decodeHistogramInto(target, bytes, histogram.exactParts());
        })
      ) {
        refusals += 1;
        assert.deepEqual(target, before);
      } else {
        acceptances += 1;
        target.forEachCount((index) => {
          assert.ok(index < BUCKET_COUNT);
        });
      }
    }),
    { numRuns: 2000 },
  );
  assert.ok(refusals > 500 && acceptances > 0, `${refusals} refused, ${acceptances} accepted`);
});

test("exact values that its buckets contradict are refused", () => {
  const numbers = fc.oneof(
    fc.constantFrom(NaN, Infinity, -Infinity, -1, 0, 0.5, 1e300, 2 ** 60),
    fc.double(),
  );
  const histogram = new Histogram(1000);
  for (const value of [1_500_000, 7_000_000, 9e9]) histogram.record(value);
  const bytes = encodeHistogram(histogram);
  const truth = histogram.exactParts();
  fc.assert(
    fc.property(fc.constantFrom("min", "max", "sum", "overflow"), numbers, (part, lie) => {
      const isFarOff = part === "overflow" ? lie !== 0 : !(Math.abs(lie / truth[part] - 1) < 1);
      fc.pre(isFarOff);
      const exact = { ...truth, [part]: lie };
      assert.ok(refused(() => decodeHistogram(bytes, { unitsPerTick: 1000, exact })));
    }),
  );
});

test("zig-zag integers of every size come back, and more than 53 bits are refused", () => {
  const safe = fc.oneof(fc.maxSafeInteger(), fc.integer({ min: -200, max: 200 }));
  fc.assert(
    fc.property(fc.array(safe), (values) => {
      const bytes: number[] = [];
      for (const value of values) writeZigZag(bytes, value);
      const cursor = { at: 0 };
      const read = values.map(() => readZigZag(Uint8Array.from(bytes), cursor));
      assert.deepEqual(
        read,
        values.map((value) => value + 0),
      );
      assert.equal(cursor.at, bytes.length);
    }),
  );
  const tooLarge = Uint8Array.from([0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff]);
  assert.equal(readZigZag(tooLarge, { at: 0 }), undefined);
  assert.equal(readZigZag(tooLarge.subarray(0, 8), { at: 0 }), undefined);
});
