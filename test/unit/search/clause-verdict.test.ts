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
    limitS: 2,
    ratePerSecond: 35,
    fired: decided,
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

test("a queue that is only just overrun has not filled in a short window, which does not pass by its tail", () => {
  const over = [300, 200, 100, 50, 25, 8, 2, 0];
  // 40 and 400 requests within the limit: a relaxation time is 4 (λ D)² / (θ D)² requests.
  const small = { limitS: 2, ratePerSecond: 20, fired: 1_000 };
  const large = { limitS: 2, ratePerSecond: 200, fired: 1_000 };
  assert.equal(judgeRate(countsOf(1_000, over, small), true).verdict, "met");
  const short = judgeRate(countsOf(1_000, over, large), true);
  assert.equal(short.verdict, "undecided");
  assert.match(short.reason, /such a queue fills slowly: [\d,]+ requests more are needed$/);
  const missing = short.evidence.requestsMissing;
  const enough = { ...large, fired: 1_000 + missing };
  assert.equal(judgeRate(countsOf(1_000, over, enough), true).verdict, "met");
  assert.equal(
    judgeRate(countsOf(1_000, over, { ...enough, fired: 999 + missing }), true).verdict,
    "undecided",
  );
});

test("counting alone passes a short window by what hardly any wait for, half of the limit at most", () => {
  // 400 requests fit within the limit, so that a queue would not have filled.
  const large = { limitS: 2, ratePerSecond: 200, fired: 505 };
  assert.equal(judgeRate(countsOf(505, NONE, large), true).verdict, "met");
  const waits = [300, 250, 200, 150, 100, 2, 0, 0];
  assert.equal(judgeRate(countsOf(505, waits, large), true).verdict, "undecided");
  const small = { ...large, ratePerSecond: 20 };
  assert.equal(judgeRate(countsOf(505, waits, small), true).verdict, "met");
});
