import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { binomialCdf, binomialTail } from "../../../coordinator/search/binomial.ts";

/** Term by term: slow and plain. */
function naiveCdf(over: number, total: number, fraction: number): number {
  let term = (1 - fraction) ** total;
  let sum = term;
  for (let k = 1; k <= over; k++) {
    term *= (((total - k + 1) / k) * fraction) / (1 - fraction);
    sum += term;
  }
  return sum;
}

const trials = fc
  .record({
    total: fc.integer({ min: 1, max: 400 }),
    share: fc.double({ min: 0, max: 1, noNaN: true }),
  })
  .map(({ total, share }) => ({ total, over: Math.floor(share * (total - 1)) }));
const fractions = fc.double({ min: 0.001, max: 0.6, noNaN: true });

test("the binomial distribution agrees with the sum of its terms", () => {
  fc.assert(
    fc.property(trials, fractions, ({ total, over }, fraction) => {
      const expected = naiveCdf(over, total, fraction);
      assert.ok(Math.abs(binomialCdf(over, total, fraction) - expected) < 1e-9);
    }),
    { seed: 1 },
  );
});

test("what lies below a count and what reaches it add up to one", () => {
  fc.assert(
    fc.property(trials, fractions, ({ total, over }, fraction) => {
      const sum = binomialCdf(over - 1, total, fraction) + binomialTail(over, total, fraction);
      assert.ok(Math.abs(sum - 1) < 1e-9, `${sum}`);
    }),
    { seed: 2 },
  );
});

test("fractional counts lie between the whole ones", () => {
  const [below, between, above] = [3, 3.5, 4].map((over) => binomialCdf(over, 100, 0.05));
  assert.ok(below! < between! && between! < above!);
});

test("the textbook counts: 299 requests without one over show p99 at 95 %, 298 do not", () => {
  assert.ok(binomialCdf(0, 299, 0.01) <= 0.05);
  assert.ok(binomialCdf(0, 298, 0.01) > 0.05);
});
