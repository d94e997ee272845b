import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { type IntervalBounds, intervalOf, nextCutNs } from "../../../shared/segment/intervals.ts";
import type { Segment } from "../../../shared/segment/segment.ts";

/** Bounds often fall on each other and on multiples of the interval: that is where cuts go wrong. */
const instantArbitrary = fc.oneof(fc.integer({ min: 0, max: 40 }), fc.constantFrom(0, 10, 20, 30));

const segmentArbitrary: fc.Arbitrary<Segment> = fc
  .array(instantArbitrary, { minLength: 4, maxLength: 4 })
  .map((instants) => instants.sort((a, b) => a - b))
  .map(([startAtNs, recordFromNs, recordUntilNs, endByNs]) => ({
    number: 1,
    mode: { kind: "idle" },
    startAtNs: startAtNs!,
    recordFromNs: recordFromNs!,
    recordUntilNs: recordUntilNs!,
    endByNs: endByNs!,
    requestsMax: 0,
    shares: [],
  }));

const intervalNsArbitrary = fc.constantFrom(1, 3, 7, 10, 25, 100);

/** From the start, cut by cut, until well past the end. */
function intervalsOf(segment: Segment, intervalNs: number): IntervalBounds[] {
  const intervals: IntervalBounds[] = [];
  for (let atNs = segment.startAtNs; atNs < 60; atNs = nextCutNs(segment, atNs, intervalNs)) {
    intervals.push(intervalOf(segment, atNs, intervalNs));
  }
  return intervals;
}

test("intervals tile a segment, and what comes after it, without gap or overlap", () => {
  fc.assert(
    fc.property(segmentArbitrary, intervalNsArbitrary, (segment, intervalNs) => {
      let expectedFromNs = segment.startAtNs;
      for (const { fromNs, toNs } of intervalsOf(segment, intervalNs)) {
        assert.equal(fromNs, expectedFromNs);
        assert.ok(toNs > fromNs && toNs - fromNs <= intervalNs);
        expectedFromNs = toNs;
      }
    }),
    { seed: 1, numRuns: 500 },
  );
});

test("every instant of an interval is in that interval", () => {
  fc.assert(
    fc.property(segmentArbitrary, intervalNsArbitrary, (segment, intervalNs) => {
      for (const bounds of intervalsOf(segment, intervalNs)) {
        for (let atNs = bounds.fromNs; atNs < bounds.toNs; atNs++) {
          assert.deepEqual(intervalOf(segment, atNs, intervalNs), bounds);
          assert.equal(nextCutNs(segment, atNs, intervalNs), bounds.toNs);
        }
      }
    }),
    { seed: 2, numRuns: 200 },
  );
});

test("the recorded intervals are exactly the recorded window", () => {
  fc.assert(
    fc.property(segmentArbitrary, intervalNsArbitrary, (segment, intervalNs) => {
      const recorded = intervalsOf(segment, intervalNs).filter((interval) => interval.recorded);
      const lengthNs = recorded.reduce((sum, { fromNs, toNs }) => sum + toNs - fromNs, 0);
      assert.equal(lengthNs, segment.recordUntilNs - segment.recordFromNs);
      assert.ok(
        recorded.every(
          ({ fromNs, toNs }) => fromNs >= segment.recordFromNs && toNs <= segment.recordUntilNs,
        ),
      );
    }),
    { seed: 3, numRuns: 500 },
  );
});

test("intervals lie on the run's clock, whatever the segment's start", () => {
  const segment: Segment = {
    number: 2,
    mode: { kind: "idle" },
    startAtNs: 3_400_000_000,
    recordFromNs: 4_900_000_000,
    recordUntilNs: 6_000_000_000,
    endByNs: 7_500_000_000,
    requestsMax: 0,
    shares: [],
  };
  const cuts = [];
  let atNs = segment.startAtNs;
  for (let i = 0; i < 6; i++) {
    atNs = nextCutNs(segment, atNs, 1e9);
    cuts.push(atNs / 1e9);
  }
  assert.deepEqual(cuts, [4, 4.9, 5, 6, 7, 7.5]);
  assert.deepEqual(intervalOf(segment, 4_950_000_000, 1e9), {
    fromNs: 4_900_000_000,
    toNs: 5_000_000_000,
    recorded: true,
  });
});
