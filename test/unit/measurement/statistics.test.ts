import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { Histogram } from "../../../shared/measurement/histogram.ts";
import { unitsPerTick } from "../../../shared/measurement/metric.ts";
import { quantileOf, samplesNeeded, summarize } from "../../../shared/measurement/statistics.ts";

function evenly(metric: "ttft" | "output_tokens_per_second", count: number): Histogram {
  const histogram = new Histogram(unitsPerTick(metric));
  const step = metric === "ttft" ? 1_000_000 : 1;
  for (let i = 1; i <= count; i += 1) histogram.record(i * step);
  return histogram;
}

test("quantiles need the samples that docs/measurement.md names", () => {
  assert.deepEqual(
    [0.5, 0.75, 0.9, 0.95, 0.99, 0.999].map(samplesNeeded),
    [11, 24, 64, 130, 662, 6636],
  );
});

test("with the samples needed at most one lies beyond the quantile in 1 % of cases, and not with one fewer", () => {
  for (const q of [0.5, 0.9, 0.99]) {
    const atMostOne = (n: number) => q ** n + n * (1 - q) * q ** (n - 1);
    assert.ok(atMostOne(samplesNeeded(q)) <= 0.01 + 1e-12);
    assert.ok(atMostOne(samplesNeeded(q) - 1) > 0.01);
  }
});

describe("a summary", () => {
  test("gives a quantile once it has its samples, and before that what it needs", () => {
    const { quantiles } = summarize(evenly("ttft", 661), "ttft");
    assert.deepEqual(quantiles.p99, { value: undefined, samplesNeeded: 662 });
    assert.deepEqual(quantiles.p99_9, { value: undefined, samplesNeeded: 6636 });
    assert.equal(quantiles.p95.samplesNeeded, undefined);
    const enough = summarize(evenly("ttft", 662), "ttft").quantiles.p99;
    assert.ok(enough.value !== undefined && Math.abs(enough.value / 656e6 - 1) < 0.001);
  });

  test("is exact in count, min, max and mean", () => {
    const { count, min, max, mean, standardDeviation } = summarize(evenly("ttft", 100), "ttft");
    assert.deepEqual([count, min, max, mean], [100, 1e6, 100e6, 50.5e6]);
    assert.ok(Math.abs((standardDeviation ?? 0) / 28.866e6 - 1) < 0.001);
  });

  test("of nothing has no numbers", () => {
    const summary = summarize(new Histogram(1000), "ttft");
    assert.equal(summary.count, 0);
    assert.deepEqual(
      [summary.min, summary.max, summary.mean, summary.standardDeviation],
      [undefined, undefined, undefined, undefined],
    );
    assert.deepEqual(summary.quantiles.p50, { value: undefined, samplesNeeded: 11 });
  });

  test("of a speed counts quantiles from the slow side", () => {
    const { quantiles, min } = summarize(
      evenly("output_tokens_per_second", 1000),
      "output_tokens_per_second",
    );
    assert.equal(min, 1);
    // At most 10 of 1,000 are slower than 11.
    assert.ok(Math.abs((quantiles.p99.value ?? 0) - 11) <= 0.011);
    assert.ok(Math.abs((quantiles.p50.value ?? 0) - 501) <= 0.5);
  });
});

test("a quantile agrees with the clause that limits it: p99 keeps to a limit when at most 1 % do not", () => {
  const speeds = evenly("output_tokens_per_second", 1000);
  const { value } = quantileOf(speeds, "output_tokens_per_second", 0.99);
  assert.ok(value !== undefined);
  const slower = 1000 - speeds.countAbove(value) - 1;
  assert.equal(slower, 10);
});
