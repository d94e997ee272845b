import assert from "node:assert/strict";
import { test } from "node:test";
import { jackknifeVariance } from "../../../../coordinator/search/tail/jackknife.ts";

test("of a mean it is the sample's variance over its size, exactly", () => {
  const sample = [3, 1, 4, 1, 5, 9, 2, 6];
  const meanOf = (values: readonly number[]): number =>
    values.reduce((sum, value) => sum + value, 0) / values.length;
  const mean = meanOf(sample);
  const variance = jackknifeVariance(mean, sample.length, (i) =>
    meanOf(sample.filter((_, j) => j !== i)),
  );
  const expected =
    sample.reduce((sum, value) => sum + (value - mean) ** 2, 0) /
    (sample.length - 1) /
    sample.length;
  assert.ok(Math.abs(variance - expected) < 1e-12);
});

test("an estimate that no block moves has none", () => {
  assert.equal(
    jackknifeVariance(2, 5, () => 2),
    0,
  );
});
