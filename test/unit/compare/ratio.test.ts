import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { atLeast, judgeGate, noWorseThan } from "../../../coordinator/compare/gate.ts";
import { normalQuantile } from "../../../coordinator/compare/normal.ts";
import { minimumDetectableRatio, ratioOf } from "../../../coordinator/compare/ratio.ts";

/** P(Z <= z), as any table has it. */
const NORMAL_TABLE = [
  [0.5, 0],
  [0.8, 0.8416212],
  [0.95, 1.6448536],
  [0.975, 1.959964],
  [0.995, 2.5758293],
  [0.025, -1.959964],
] as const;

test("quantiles of the normal distribution are those of the tables", () => {
  for (const [probability, z] of NORMAL_TABLE)
    assert.ok(Math.abs(normalQuantile(probability) - z) < 1e-6, `${probability}`);
});

test("symmetric intervals of ±10 % on the log scale make one of ±14 %: squares add", () => {
  const ten = Math.exp(0.1);
  const ratio = ratioOf(
    { value: 130, low: 130 / ten, high: 130 * ten },
    { value: 100, low: 100 / ten, high: 100 * ten },
  );
  const reach = Math.exp(Math.SQRT2 * 0.1);
  assert.ok(Math.abs(ratio.value - 1.3) < 1e-12);
  assert.ok(Math.abs(ratio.low - 1.3 / reach) < 1e-12);
  assert.ok(Math.abs((ratio.high ?? 0) - 1.3 * reach) < 1e-12);
});

test("the lower end is pushed by the candidate's lower and the baseline's upper end, not by the others", () => {
  const exact = { value: 10, low: 10, high: 10 };
  const skewed = { value: 10, low: 9.9, high: 20 };
  assert.deepEqual(ratioOf(exact, exact), { value: 1, low: 1, high: 1 });
  assert.ok(Math.abs(ratioOf(exact, skewed).low - 0.5) < 1e-12);
  assert.ok(Math.abs((ratioOf(skewed, exact).high ?? 0) - 2) < 1e-12);
  assert.ok(ratioOf(skewed, exact).low > 0.98);
});

test("a rate that is only known to be at least so much leaves its side open", () => {
  const known = { value: 10, low: 9, high: 11 };
  const atLeastTen = { value: 10, low: 10, high: null };
  assert.equal(ratioOf(atLeastTen, known).high, null);
  assert.equal(ratioOf(known, atLeastTen).low, 0);
  assert.equal(minimumDetectableRatio(ratioOf(known, atLeastTen), 0.95), undefined);
});

test("the ratio the other way round is the reciprocal, ends swapped", () => {
  const interval = fc
    .tuple(
      fc.double({ min: 1, max: 1e4, noNaN: true }),
      fc.double({ min: 0, max: 1, noNaN: true }),
      fc.double({ min: 0, max: 1, noNaN: true }),
    )
    .map(([value, down, up]) => ({
      value,
      low: value * Math.exp(-down),
      high: value * Math.exp(up),
    }));
  fc.assert(
    fc.property(interval, interval, (a, b) => {
      const [there, back] = [ratioOf(a, b), ratioOf(b, a)];
      assert.ok(Math.abs(there.low * (back.high ?? NaN) - 1) < 1e-9);
      assert.ok(there.low <= there.value && there.value <= (there.high ?? 0));
    }),
  );
});

test("the detectable ratio is 2.8 standard errors of the log-ratio away, at 95 %", () => {
  const standardError = 0.05;
  const reach = Math.exp(1.959964 * standardError);
  const found = minimumDetectableRatio({ value: 1, low: 1 / reach, high: reach }, 0.95);
  assert.ok(Math.abs(Math.log(found ?? 0) - 2.8015852 * standardError) < 1e-6);
});

test("a gate is passed by the whole interval, broken by the whole interval, and otherwise undecided", () => {
  const ratio = { value: 1.2, low: 1.1, high: 1.3 };
  assert.equal(judgeGate(atLeast(1.1), ratio), "met");
  assert.equal(judgeGate(atLeast(1.11), ratio), "undecided");
  assert.equal(judgeGate(atLeast(1.3), ratio), "undecided");
  assert.equal(judgeGate(atLeast(1.31), ratio), "violated");
  assert.equal(judgeGate(noWorseThan(0.05), { value: 1, low: 0.95, high: 1.1 }), "met");
  assert.equal(judgeGate(noWorseThan(0.05), { value: 0.9, low: 0.86, high: 0.949 }), "violated");
  assert.equal(judgeGate(noWorseThan(0.05), { value: 1, low: 0.9, high: 1.1 }), "undecided");
  assert.equal(judgeGate(atLeast(9), { value: 1.2, low: 1.1, high: null }), "undecided");
});
