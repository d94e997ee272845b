import assert from "node:assert/strict";
import { test } from "node:test";
import { logistic } from "../../../../coordinator/search/logistic.ts";
import {
  effectiveCounts,
  fitInterToken,
  interTokenAt,
  interTokenRoot,
} from "../../../../coordinator/search/tail/inter-token.ts";
import { correctDirectly } from "../../../../coordinator/search/tail/direct-correction.ts";
import { estimateInterToken } from "../../../../coordinator/search/tail/inter-token-estimate.ts";
import { ANCHOR, blockAt, modelOf } from "../../../support/tail-blocks.ts";

const MODEL = modelOf("itl", 0.04);
const INTERCEPTS = [-2, -4, -6, -8];

const blocks = [20, 24, 28, 32, 36].map((rate) =>
  blockAt(rate, {
    requests: 1e6,
    fractions: INTERCEPTS.map((g) => logistic(g + 20 * (rate / 40 - 0.7))),
  }),
);

test("the fit finds a common rise, and the rate at which the limit's own line meets ε", () => {
  const fit = fitInterToken(MODEL, Array.from({ length: 40 }, () => blocks).flat(), ANCHOR);
  assert.ok(Math.abs(fit.slope - 20) < 1, String(fit.slope));
  const truth = 40 * (0.7 + (Math.log(0.01 / 0.99) + 6) / 20);
  assert.ok(Math.abs(interTokenRoot(fit, 0.01) / truth - 1) < 0.02);
  assert.ok(Math.abs(interTokenAt(fit, interTokenRoot(fit, 0.01)) - 0.01) < 1e-9);
});

test("a clause that is never near its limit has a root beyond saturation, bounded", () => {
  const quiet = [20, 30, 38].map((rate) => blockAt(rate, { fractions: [0, 0, 0, 0] }));
  const root = interTokenRoot(fitInterToken(MODEL, quiet, ANCHOR), 0.01);
  assert.ok(root > 36 && root <= 60, String(root));
});

test("a block counts by its steps, not by its requests", () => {
  const [count] = effectiveCounts(MODEL, blocks[2]!, 2);
  // 20 a second for 25 s, a fifteenth each.
  assert.ok(count!.total <= 500 / 15 + 1e-9);
  const slow = { ...blocks[2]!, residenceS: 10 };
  assert.ok(effectiveCounts(MODEL, slow, 2)[0]!.total <= (2 * 25) / 10 + 1e-9);
});

test("the interval takes a time in system for one observation", () => {
  const slow = blocks.map((block) => ({ ...block, residenceS: 10 }));
  const fit = fitInterToken(MODEL, slow, ANCHOR);
  const ratePerSecond = interTokenRoot(fit, 0.01);
  const expected = correctDirectly(
    {
      ratePerSecond,
      logSd: 0.12,
      slope: (fit.slope * ratePerSecond) / ANCHOR.ratePerSecond,
      rateMaxPerSecond: Infinity,
      logReach: 0.45,
    },
    slow.flatMap((block) => effectiveCounts(MODEL, block, 1)),
    { allowedFraction: 0.01, tail: 0.025 },
  );
  const got = estimateInterToken(MODEL, {
    ...{ blocks: slow, anchor: ANCHOR, tail: 0.025, thorough: false },
  });
  const width = (of: typeof expected | typeof got): number => of.highPerSecond / of.lowPerSecond;
  assert.ok(Math.abs(width(got) / width(expected) - 1) < 1e-9, `${width(got)} ${width(expected)}`);
  assert.ok(got.lowPerSecond < got.ratePerSecond && got.ratePerSecond < got.highPerSecond);
});
