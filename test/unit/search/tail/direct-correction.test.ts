import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { correctDirectly } from "../../../../coordinator/search/tail/direct-correction.ts";
import { logistic, logit } from "../../../../coordinator/search/logistic.ts";

const PRIOR = {
  ratePerSecond: 35,
  logSd: 0.06,
  slope: 25,
  rateMaxPerSecond: Infinity,
  logReach: 0.45,
};
const AT = { allowedFraction: 0.01, tail: 0.025 };

describe("the direct correction", () => {
  test("without counts is the prior: its mean, its spread and its 95 % points", () => {
    const posterior = correctDirectly(PRIOR, [], AT);
    assert.ok(Math.abs(posterior.ratePerSecond / 35 - 1) < 1e-6);
    assert.ok(Math.abs(posterior.logSd - 0.06) < 1e-3);
    assert.ok(Math.abs(Math.log(posterior.highPerSecond / 35) - 1.96 * 0.06) < 0.006);
    assert.ok(Math.abs(Math.log(posterior.lowPerSecond / 35) + 1.96 * 0.06) < 0.006);
  });

  test("many counts take over: the answer goes where they say, however wrong the prior is", () => {
    const truth = 40;
    const counts = [38, 39, 40, 41].map((ratePerSecond) => {
      const fraction = logistic(logit(0.01) + 25 * (ratePerSecond / truth - 1));
      return { ratePerSecond, over: 50_000 * fraction, total: 50_000 };
    });
    const posterior = correctDirectly(PRIOR, counts, AT);
    assert.ok(Math.abs(posterior.ratePerSecond / truth - 1) < 0.005);
    assert.ok(posterior.logSd < 0.01);
  });

  test("more over than allowed lowers the answer, fewer raise it", () => {
    const at = (over: number): number =>
      correctDirectly(PRIOR, [{ ratePerSecond: 35, over, total: 500 }], AT).ratePerSecond;
    assert.ok(at(20) < at(5) && at(5) < at(0));
  });

  test("rates out of the question get no weight", () => {
    const posterior = correctDirectly({ ...PRIOR, rateMaxPerSecond: 34 }, [], AT);
    assert.ok(posterior.highPerSecond <= 34);
  });
});
