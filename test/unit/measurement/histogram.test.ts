import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { GEOMETRY, Histogram, rankOfQuantile } from "../../../shared/measurement/histogram.ts";

const HIGHEST_NS = GEOMETRY.highestTicks * 1000;

function histogramOf(values: readonly number[], unitsPerTick = 1000): Histogram {
  const histogram = new Histogram(unitsPerTick);
  for (const value of values) histogram.record(value);
  return histogram;
}

describe("a histogram", () => {
  test("knows count, min, max, sum and mean exactly", () => {
    const histogram = histogramOf([1_234_567, 1, 98_765_432_101]);
    assert.equal(histogram.count, 3);
    assert.equal(histogram.min, 1);
    assert.equal(histogram.max, 98_765_432_101);
    assert.equal(histogram.sum, 98_766_666_669);
    assert.equal(histogram.mean, 98_766_666_669 / 3);
  });

  test("records a value many times at once", () => {
    const histogram = new Histogram(1000);
    histogram.record(5_000_000, 3);
    assert.deepEqual(histogram, histogramOf([5_000_000, 5_000_000, 5_000_000]));
  });

  test("tells apart what differs by more than 0.1 %, over the whole hour", () => {
    const edges = [
      1000,
      2_047_000,
      2_048_000,
      4_096_000,
      1_000_000_000,
      60_000_000_000,
      HIGHEST_NS,
    ];
    for (const edge of edges) {
      const histogram = histogramOf(
        [edge, edge * 1.0011 + 1000].map((value) => Math.min(value, HIGHEST_NS)),
      );
      assert.equal(histogram.buckets().length, edge === HIGHEST_NS ? 1 : 2, String(edge));
    }
  });

  test("counts what is above one hour, and never clamps it", () => {
    const histogram = histogramOf([1_000_000, HIGHEST_NS, HIGHEST_NS + 1000, 5 * HIGHEST_NS]);
    assert.equal(histogram.overflow, 2);
    assert.equal(histogram.count, 4);
    assert.equal(histogram.max, 5 * HIGHEST_NS);
    assert.equal(histogram.quantile(0.75), 5 * HIGHEST_NS);
    assert.ok(histogram.quantile(0.5) <= HIGHEST_NS * 1.001);
    assert.equal(histogram.countAbove(HIGHEST_NS), 2);
    assert.equal(histogram.sum, 1_000_000 + 7 * HIGHEST_NS + 1000);
  });

  test("refuses what is no measurement", () => {
    const histogram = new Histogram(1000);
    for (const value of [NaN, -1, Infinity])
      assert.throws(() => {
        histogram.record(value);
      }, /assert/);
    assert.ok(histogram.isEmpty);
  });

  test("takes zero", () => {
    const histogram = histogramOf([0, 0]);
    assert.equal(histogram.quantile(0.99), 0);
    assert.equal(histogram.count, 2);
  });

  test("has no statistics while empty, but NaN", () => {
    const histogram = new Histogram(1000);
    for (const value of [
      histogram.min,
      histogram.max,
      histogram.mean,
      histogram.standardDeviation,
      histogram.quantile(0.5),
    ]) {
      assert.ok(Number.isNaN(value));
    }
    assert.equal(histogram.sum, 0);
    assert.equal(histogram.countAbove(0), 0);
  });

  test("is as new after a reset", () => {
    const histogram = histogramOf([1, 2, 2 * HIGHEST_NS]);
    histogram.reset();
    assert.deepEqual(histogram, new Histogram(1000));
  });

  test("adds only what measures in the same ticks", () => {
    assert.throws(() => {
      new Histogram(1000).add(new Histogram(0.001));
    }, /same ticks/);
  });

  test("adding leaves the added one as it was, and unconnected", () => {
    const source = histogramOf([5_000_000]);
    const target = new Histogram(1000);
    target.add(source);
    target.record(5_000_000);
    assert.deepEqual(source, histogramOf([5_000_000]));
  });

  test("counts beyond 32 bits without wrapping", () => {
    const histogram = new Histogram(1000);
    histogram.record(1_000_000, 3_000_000_000);
    histogram.record(1_000_000, 3_000_000_000);
    histogram.record(9_000_000, 1);
    assert.equal(histogram.count, 6_000_000_001);
    assert.equal(histogram.quantile(0.999), 1_000_000);
    const sum = new Histogram(1000);
    sum.add(histogram);
    sum.add(histogram);
    assert.equal(sum.count, 12_000_000_002);
    assert.equal(sum.buckets()[0]?.count, 12_000_000_000);
  });

  test("measures speeds in thousandths of a token per second", () => {
    const histogram = histogramOf([20, 20.5, 0.001], 0.001);
    assert.equal(histogram.quantile(0), 0.001);
    assert.ok(Math.abs(histogram.quantile(0.6) - 20) <= 0.02);
  });

  test("lists its buckets for a plot", () => {
    const histogram = histogramOf([3_000, 3_400, 5_000_000_000]);
    const [first, second, ...rest] = histogram.buckets();
    assert.deepEqual(first, { lowest: 3000, highest: 3000, count: 2 });
    assert.ok(second !== undefined && second.lowest <= 5e9 && second.highest >= 5e9);
    assert.ok(second.highest / second.lowest < 1.001);
    assert.deepEqual(rest, []);
  });
});

test("the rank of a quantile is ⌈q·n⌉ of the exact product, and at least 1", () => {
  for (let n = 1; n <= 2000; n += 1) {
    for (const permille of [1, 7, 70, 500, 750, 900, 950, 990, 999, 1000]) {
      const exact = Number((BigInt(permille) * BigInt(n) + 999n) / 1000n);
      assert.equal(rankOfQuantile(permille / 1000, n), exact, `${permille} ‰ of ${n}`);
    }
    assert.equal(rankOfQuantile(0, n), 1);
  }
});
