import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { binomialCdf } from "../../../coordinator/search/binomial.ts";
import { judgeRate, type RateCounts } from "../../../coordinator/search/clause-verdict.ts";
import { judgeCounted } from "../../../coordinator/search/one-rate-verdict.ts";
import { requestsToRelax } from "../../../coordinator/search/relaxation.ts";
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

/** As `countsOf`, with one clump factor for limit and body. */
function countsWith(
  decided: number,
  over: readonly number[],
  { clumpFactor, ...changes }: Partial<RateCounts> & { readonly clumpFactor: number },
): RateCounts {
  const counts = countsOf(decided, over, changes);
  const factors = { limitClumpFactor: clumpFactor, bodyClumpFactor: clumpFactor };
  return { ...counts, tally: { ...counts.tally, ...factors } };
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

test("a window lacks the requests of two relaxation times of a queue whose tail just meets the limit", () => {
  const queue = { ratePerSecond: 20, limitS: 2, allowedFraction: 0.05 };
  // 2 × 4 (λ D)² / ln(20)².
  const needed = (2 * 4 * 40 ** 2) / Math.log(20) ** 2;
  assert.ok(Math.abs(requestsToRelax({ ...queue, logFall: 0 }) / needed - 1) < 1e-12);
  const steep = requestsToRelax({ ...queue, logFall: 2 * Math.log(20) });
  assert.ok(Math.abs(steep / needed - 1 / 4) < 1e-12, "a steeper one forgets sooner");
});

test("three bad requests refute nothing, however rare they were to be", () => {
  const rare = { allowedFraction: 0.001, hasTail: false };
  const verdictOf = (over: number): string =>
    judgeRate(countsWith(100, NONE.with(7, over), { clumpFactor: 1, ...rare }), false).verdict;
  assert.deepEqual([3, 4].map(verdictOf), ["undecided", "violated"]);
});

test("clumps count once, in the e-value and where a clause is only counted", () => {
  const over = NONE.with(7, 40);
  const early = (clumpFactor: number): string =>
    judgeRate(countsWith(300, over, { clumpFactor }), false).verdict;
  assert.deepEqual([1, 20].map(early), ["violated", "undecided"]);
  const counted = (clumpFactor: number): ReturnType<typeof judgeRate> =>
    judgeRate(countsWith(150, NONE, { clumpFactor, hasTail: false }), true);
  assert.deepEqual([counted(1).verdict, counted(2).verdict], ["met", "undecided"]);
  assert.ok(counted(2).evidence.tooFew);
});

test("a tail passes or fails 2.6 standard errors from what is allowed, and never where counting could not pass", () => {
  const verdicts = { passes: 0, near: 0, floor: 0, fails: 0, open: 0 };
  const slow = { limitS: 0.5, ratePerSecond: 10, fired: 100_000 };
  for (const shape of [
    [0.3, 0.2, 0.1, 0.04, 0.02, 0.005, 0.001, 0],
    [0.34, 0.3, 0.2, 0.15, 0.12, 0.1, 0.08, 0.06],
    [0.34, 0.32, 0.3, 0.28, 0.26, 0.24, 0.22, 0.2],
  ])
    for (let requests = 20; requests <= 600; requests += 2) {
      const over = shape.map((fraction) => Math.round(fraction * requests));
      const counts = countsWith(requests, over, { clumpFactor: 1, ...slow });
      const { verdict, evidence } = judgeRate(counts, true);
      if (evidence.logOver === null) continue;
      const { value, standardError } = evidence.logOver;
      const distance = (value - Math.log(0.05)) / standardError;
      const couldPass = binomialCdf(over[7]!, requests, 0.05) <= 0.05;
      if (verdict === "met") {
        assert.ok(distance < -2.6 && couldPass, `${requests}: ${distance}`);
        verdicts.passes += 1;
      } else if (verdict === "violated") {
        assert.ok(distance > 2.6, `${requests}: ${distance}`);
        verdicts.fails += 1;
      } else if (distance < -2.6) {
        assert.ok(!couldPass, `${requests}: ${distance}`);
        verdicts.floor += 1;
      } else {
        assert.ok(distance <= 2.6);
        verdicts[Math.abs(distance) > 1.3 ? "near" : "open"] += 1;
      }
    }
  for (const [kind, count] of Object.entries(verdicts)) assert.ok(count > 0, kind);
});

describe("the clause that binds", () => {
  const bindingOf = (...counts: readonly RateCounts[]): number =>
    judgeCounted(counts, true).bindingClause;
  const counted = { hasTail: false, clumpFactor: 1 };
  const loose = countsWith(1_000, NONE.with(7, 2), counted);
  const tight = countsWith(1_000, NONE.with(7, 20), counted);
  const undecided = countsWith(20, NONE, counted);
  const violated = countsWith(1_000, NONE.with(7, 120), counted);

  test("is the one nearest to its limit of those that are met, wherever it stands", () => {
    assert.deepEqual([bindingOf(tight, loose), bindingOf(loose, tight)], [0, 1]);
  });

  test("is one that is undecided rather than met, and violated rather than undecided", () => {
    assert.deepEqual([bindingOf(undecided, tight), bindingOf(tight, undecided)], [0, 1]);
    assert.deepEqual([bindingOf(violated, undecided), bindingOf(undecided, violated)], [0, 1]);
    assert.equal(judgeCounted([tight, violated, undecided], true).verdict, "violated");
  });
});
