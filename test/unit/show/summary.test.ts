import assert from "node:assert/strict";
import { describe, test } from "node:test";
import fc from "fast-check";
import { chosen, percent, rate, seconds } from "../../../coordinator/show/format.ts";
import { linearScale, logScale } from "../../../coordinator/show/scale.ts";
import { EMPTY_SUMMARY, summarise } from "../../../coordinator/show/summary.ts";
import { Histogram } from "../../../shared/measurement/histogram.ts";
import { unitsPerTick } from "../../../shared/measurement/metric.ts";

/** 1 ms, 2 ms, … `count` ms, in ns as agents record it. */
function histogramOf(count: number): Histogram {
  const histogram = new Histogram(unitsPerTick("ttft"));
  for (let value = 1; value <= count; value += 1) histogram.record(value * 1_000_000);
  return histogram;
}

/** A histogram's buckets are within 0.1 % of their values. */
function isNear(actual: number | null, expected: number): void {
  assert.ok(
    actual !== null && Math.abs(actual / expected - 1) <= 0.001,
    `${actual ?? "null"} is not ${expected}`,
  );
}

const TO_MS = { unitsPerValue: 1e-6 };

describe("a summary", () => {
  test("holds a quantile back until enough samples stand behind it, and says how many", () => {
    const few = summarise(histogramOf(661), TO_MS);
    assert.equal(few.p99, null);
    assert.deepEqual(few.samplesNeeded, { p99: 662, p99_9: 6_636 });
    isNear(few.p95, 628);

    const enough = summarise(histogramOf(662), TO_MS);
    isNear(enough.p99, 656);
    assert.deepEqual(enough.samplesNeeded, { p99_9: 6_636 });
    assert.equal("samplesNeeded" in summarise(histogramOf(6_636), TO_MS), false);
  });

  test("is in the unit asked for", () => {
    const { count, min, max, mean, p50 } = summarise(histogramOf(3), TO_MS);
    assert.deepEqual(
      { count, min, max, mean, p50 },
      { count: 3, min: 1, max: 3, mean: 2, p50: null },
    );
  });

  test("of nothing has no number but its count", () => {
    assert.deepEqual(summarise(histogramOf(0), TO_MS), EMPTY_SUMMARY);
  });

  test("of a speed has its p99 on the slow side", () => {
    const speed = summarise(histogramOf(1_000), { ...TO_MS, slowSideIsLow: true });
    isNear(speed.p99, 11); // 11 to 1,000: 990 are at least that fast.
    isNear(speed.p50, 501);
  });
});

test("numbers keep the digits that were measured, and no more", () => {
  assert.deepEqual([0.084, 9.5, 9.999, 47, 99.97, 1_234.5].map(rate), [
    "0.08",
    "9.50",
    "10.0",
    "47.0",
    "100",
    "1,235",
  ]);
  assert.deepEqual([4, 56.57, 400, 1_000, 0.5].map(chosen), ["4", "56.6", "400", "1,000", "0.5"]);
  assert.deepEqual([0, 1, 0.95, 0.9995, 0.00042, 0.31].map(percent), [
    "0 %",
    "100 %",
    "95 %",
    "99.95 %",
    "0.04 %",
    "31 %",
  ]);
  assert.deepEqual([12.34, 300, 301].map(seconds), ["12.3 s", "5 min", "5 min 1 s"]);
});

describe("a scale", () => {
  const span = { from: 0, to: 100 };
  const positive = fc.double({ min: 1e-3, max: 1e7, noNaN: true });

  test("has every value within its span, and few ticks, each a round number", () => {
    fc.assert(
      fc.property(positive, positive, (a, b) => {
        const [low, high] = [Math.min(a, b), Math.max(a, b)];
        for (const scale of [linearScale(high, span), logScale(low, high, span)]) {
          assert.ok(scale.at(high) <= 100.001 && scale.at(low) >= -0.001);
          assert.ok(scale.ticks.length >= 2 && scale.ticks.length <= 12, String(scale.ticks));
          for (const tick of scale.ticks)
            assert.ok(scale.at(tick) >= -0.001 && scale.at(tick) <= 100.001);
        }
      }),
    );
  });

  test("of whole things has whole ticks", () => {
    assert.deepEqual(linearScale(1, { ...span, stepMin: 1 }).ticks, [0, 1]);
  });
});
