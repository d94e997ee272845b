import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { clumpsOf, dispersionOf } from "../../../coordinator/search/clumps.ts";
import { Draws } from "../../support/virtual-server.ts";

test("exceedances far apart are clumps of one, close ones a single clump", () => {
  assert.deepEqual(clumpsOf([0, 10, 20], 2), { factor: 1, count: 3, exceedances: 3 });
  assert.deepEqual(clumpsOf([0, 1, 2, 20], 2), { factor: (9 + 1) / 4, count: 2, exceedances: 4 });
  assert.deepEqual(clumpsOf([], 2), { factor: 0, count: 0, exceedances: 0 });
});

test("clumping agrees with joining any two neighbours by brute force", () => {
  const gaps = fc.array(fc.integer({ min: 0, max: 6 }), { minLength: 1, maxLength: 60 });
  fc.assert(
    fc.property(gaps, (steps) => {
      let atS = 0;
      const at = steps.map((step) => (atS += step));
      const clumps: number[][] = [];
      for (const s of at) {
        const last = clumps.at(-1);
        if (last !== undefined && s - last.at(-1)! <= 3) last.push(s);
        else clumps.push([s]);
      }
      const squares = clumps.reduce((sum, { length }) => sum + length ** 2, 0);
      const seen = clumpsOf(at, 3);
      assert.equal(seen.count, clumps.length);
      assert.ok(Math.abs(seen.factor - squares / at.length) < 1e-12);
    }),
    { seed: 4 },
  );
});

/** Poisson clumps of a fixed size, their members a hundredth apart. */
function clumped(options: { seed: number; rate: number; size: number; spanS: number }): number[] {
  const draws = new Draws(options.seed, 5);
  const at: number[] = [];
  for (let s = draws.exponential(options.rate); s < options.spanS; ) {
    for (let i = 0; i < options.size; i++) at.push(s + i * 0.01);
    s += draws.exponential(options.rate);
  }
  return at.sort((a, b) => a - b);
}

test("clumps of twelve are found by runs and by their dispersion", () => {
  const at = clumped({ seed: 12, rate: 1, size: 12, spanS: 400 });
  const byRuns = clumpsOf(at, 0.05).factor;
  assert.ok(byRuns > 11 && byRuns < 16, `${byRuns}`);
  const byDispersion = dispersionOf(at, 400, 40);
  assert.ok(byDispersion > 6 && byDispersion < 22, `${byDispersion}`);
});

test("dispersion says nothing from too few", () => {
  assert.equal(dispersionOf([1, 2, 3], 10, 10), 0);
});
