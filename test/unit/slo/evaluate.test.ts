import assert from "node:assert/strict";
import { describe, test } from "node:test";
import fc from "fast-check";
import {
  clauseRange,
  evaluateAll,
  evaluateClause,
  violationsAllowed,
} from "../../../shared/slo/evaluate.ts";
import { parseClause } from "../../../shared/slo/grammar.ts";

const clause = parseClause("max_gap p99 <= 200ms");

describe("the plain judgement of a clause", () => {
  test("one per cent of the requests may be over at p99, and not one more", () => {
    assert.equal(evaluateClause(clause, { total: 1000, over: [10] }), "met");
    assert.equal(evaluateClause(clause, { total: 1000, over: [11] }), "violated");
    assert.equal(evaluateClause(clause, { total: 99, over: [1] }), "violated");
  });

  test("reads the count at the limit, not at another threshold", () => {
    const ttft = parseClause("ttft p99 <= 1s");
    const over = [900, 800, 700, 600, 500, 400, 300, 10];
    assert.equal(evaluateClause(ttft, { total: 1000, over }), "met");
    const itl = parseClause("itl p99 <= 1s");
    assert.equal(evaluateClause(itl, { total: 1000, over: [30, 20, 10, 0] }), "met");
    assert.equal(evaluateClause(itl, { total: 1000, over: [30, 20, 11, 0] }), "violated");
  });

  test("judges failures and goodput by their counts of bad requests", () => {
    const errors = parseClause("error_rate <= 0.1%");
    assert.equal(evaluateClause(errors, { total: 1000, over: [1] }), "met");
    assert.equal(evaluateClause(errors, { total: 1000, over: [2] }), "violated");
    const goodput = parseClause("goodput >= 95%");
    assert.equal(evaluateClause(goodput, { total: 100, over: [5] }), "met");
    assert.equal(evaluateClause(goodput, { total: 100, over: [6] }), "violated");
  });

  test("without any request nothing is decided", () => {
    assert.equal(evaluateClause(clause, { total: 0, over: [0] }), "undecided");
  });

  test("holds only if it holds with all unknowns good and with all of them bad", () => {
    const count = { total: 1000, over: [8] };
    assert.equal(evaluateClause(clause, count, { open: 2, lost: 0 }), "met");
    assert.equal(evaluateClause(clause, count, { open: 3, lost: 0 }), "undecided");
    assert.equal(evaluateClause(clause, count, { open: 0, lost: 3 }), "undecided");
    assert.equal(
      evaluateClause(clause, { total: 1000, over: [11] }, { open: 9, lost: 0 }),
      "violated",
    );
  });

  test("lost requests widen the total, open ones are within it", () => {
    assert.deepEqual(clauseRange({ total: 10, over: [9] }, { open: 5, lost: 3 }, 0), {
      total: 13,
      overBest: 9,
      overWorst: 13,
    });
  });
});

test("the allowed violations are the whole part of fraction × total, however floats fall", () => {
  fc.assert(
    fc.property(fc.integer({ min: 1, max: 999 }), fc.nat(1_000_000), (permille, total) => {
      const text = `error_rate <= ${permille / 10}%`;
      const exact = Number((BigInt(permille) * BigInt(total)) / 1000n);
      assert.equal(violationsAllowed(parseClause(text), total), exact);
      const quantile = parseClause(`ttft p${(1000 - permille) / 10} <= 1s`);
      assert.equal(violationsAllowed(quantile, total), exact);
    }),
  );
  assert.ok(0.29 * 100 < 29);
  assert.equal(violationsAllowed(parseClause("error_rate <= 29%"), 100), 29);
});

test("an SLO is met when all its clauses are, and violated by one", () => {
  assert.equal(evaluateAll(["met", "met"]), "met");
  assert.equal(evaluateAll(["met", "undecided"]), "undecided");
  assert.equal(evaluateAll(["undecided", "violated"]), "violated");
  assert.equal(evaluateAll([]), "undecided");
});
