import assert from "node:assert/strict";
import { test } from "node:test";
import { judgeRate, type RateCounts } from "../../../coordinator/search/clause-verdict.ts";
import { parseClause } from "../../../shared/slo/grammar.ts";

const THRESHOLDS = [0.15, 0.2, 0.3, 0.4, 0.5, 0.65, 0.8, 1];

function countsOf(
  decided: number,
  over: readonly number[],
  changes: Partial<RateCounts> = {},
): RateCounts {
  return {
    clause: parseClause("ttft p95 <= 2s"),
    allowedFraction: 0.05,
    limitIndex: 7,
    thresholds: THRESHOLDS,
    hasTail: true,
    tally: {
      decided: THRESHOLDS.map(() => decided),
      over,
      limitClumpFactor: 2,
      bodyClumpFactor: 2,
    },
    ...changes,
  };
}

const NONE = THRESHOLDS.map(() => 0);

test("a service far below its limit passes by counting, though its tail has nothing to be fitted by", () => {
  assert.equal(judgeRate(countsOf(505, NONE), true).verdict, "met");
});

test("too few requests do not pass, however good they were", () => {
  assert.equal(judgeRate(countsOf(300, NONE), true).verdict, "undecided");
});

test("a window passes only at a look", () => {
  assert.equal(judgeRate(countsOf(505, NONE), false).verdict, "undecided");
});

test("many over the limit refute the clause at any time", () => {
  const over = THRESHOLDS.map(() => 150);
  assert.equal(judgeRate(countsOf(505, over), false).verdict, "violated");
});
