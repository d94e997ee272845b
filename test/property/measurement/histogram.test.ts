import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { Float64Histogram } from "hdr-histogram-js";
import { GEOMETRY, Histogram, rankOfQuantile } from "../../../shared/measurement/histogram.ts";

const HIGHEST_NS = GEOMETRY.highestTicks * 1000;

/** Latencies in ns over every order of magnitude, with some beyond the range; integers, so that sums are exact. */
const latencyNs = fc.oneof(
  fc.nat(5000),
  fc
    .double({ min: 0, max: Math.log(HIGHEST_NS), noNaN: true })
    .map((ln) => Math.floor(Math.exp(ln))),
  fc.integer({ min: HIGHEST_NS - 5000, max: HIGHEST_NS + 5000 }),
  fc.integer({ min: HIGHEST_NS, max: 4 * HIGHEST_NS }),
);
const latencies = fc.array(latencyNs, { maxLength: 200 });

function histogramOf(values: readonly number[]): Histogram {
  const histogram = new Histogram(1000);
  for (const value of values) histogram.record(value);
  return histogram;
}

function merged(...parts: readonly Histogram[]): Histogram {
  const whole = new Histogram(1000);
  for (const part of parts) whole.add(part);
  return whole;
}

test("histograms of any parts add up to the histogram of the whole, in any order and grouping", () => {
  fc.assert(
    fc.property(latencies, latencies, latencies, (a, b, c) => {
      const [x, y, z] = [histogramOf(a), histogramOf(b), histogramOf(c)];
      const direct = histogramOf([...a, ...b, ...c]);
      assert.deepEqual(merged(x, y, z), direct);
      assert.deepEqual(merged(z, x, y), direct);
      assert.deepEqual(merged(x, merged(y, z)), merged(merged(x, y), z));
      assert.deepEqual(merged(x, new Histogram(1000)), x);
    }),
  );
});

test("a quantile is the sorted values' own, within 0.1 % and half a tick", () => {
  fc.assert(
    fc.property(
      fc.array(latencyNs, { minLength: 1, maxLength: 300 }),
      fc.oneof(
        fc.constantFrom(0, 0.5, 0.9, 0.99, 0.999, 1),
        fc.double({ min: 0, max: 1, noNaN: true }),
      ),
      (values, q) => {
        const sorted = values.toSorted((x, y) => x - y);
        const exact = sorted[rankOfQuantile(q, sorted.length) - 1]!;
        const estimate = histogramOf(values).quantile(q);
        if (exact > HIGHEST_NS + 500) assert.equal(estimate, sorted.at(-1));
        else
          assert.ok(Math.abs(estimate - exact) <= exact * 0.001 + 500, `${estimate} for ${exact}`);
      },
    ),
    { numRuns: 500 },
  );
});

test("the values above a limit up to one hour are counted, but for those within 0.1 % of it", () => {
  fc.assert(
    fc.property(latencies, fc.nat(HIGHEST_NS), (values, limit) => {
      const above = histogramOf(values).countAbove(limit);
      const least = values.filter((value) => value > limit * 1.001 + 1000).length;
      const most = values.filter((value) => value > limit * 0.999 - 1000).length;
      assert.ok(least <= above && above <= most, `${least} <= ${above} <= ${most}`);
    }),
  );
});

test("mean and standard deviation are those of the values", () => {
  const inRange = fc.array(fc.nat(HIGHEST_NS), { minLength: 1, maxLength: 100 });
  fc.assert(
    fc.property(inRange, (values) => {
      const histogram = histogramOf(values);
      const mean = values.reduce((sum, value) => sum + value, 0) / values.length;
      const variance = values.reduce((sum, value) => sum + (value - mean) ** 2, 0) / values.length;
      assert.equal(histogram.mean, mean);
      const largest = Math.max(...values);
      assert.ok(
        Math.abs(histogram.standardDeviation - Math.sqrt(variance)) <= largest * 0.001 + 500,
      );
    }),
  );
});

test("buckets and quantiles are those of hdr-histogram-js", () => {
  fc.assert(
    fc.property(
      fc.array(fc.nat(GEOMETRY.highestTicks), { minLength: 1, maxLength: 100 }),
      fc.integer({ min: 1, max: 100 }),
      (ticks, percentile) => {
        const ours = new Histogram(1);
        const theirs = new Float64Histogram(1, GEOMETRY.highestTicks, 3);
        for (const tick of ticks) {
          ours.record(tick);
          theirs.recordValue(tick);
        }
        let sum = 0;
        ours.forEachCount((index, count) => {
          assert.equal(theirs.getCountAtIndex(index), count);
          sum += count;
        });
        assert.equal(sum, theirs.totalCount);
        // Theirs may lie above every value, being the top of a bucket; ours never does.
        const expected = Math.min(theirs.getValueAtPercentile(percentile), Math.max(...ticks));
        assert.equal(ours.quantile(percentile / 100), expected);
      },
    ),
  );
});
