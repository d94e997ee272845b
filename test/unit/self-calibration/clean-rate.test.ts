import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { cleanRateOf, lumpedCosts, rateAt } from "../../../agent/self-calibration/clean-rate.ts";

/** What a burst would cost if requests and tokens cost just this. */
function burst(requests: number, tokens: number, costs: { requestS: number; tokenS: number }) {
  return { requests, tokens, cpuSeconds: requests * costs.requestS + tokens * costs.tokenS };
}

function near(actual: number, expected: number): void {
  assert.ok(Math.abs(actual / expected - 1) < 1e-6, `${actual} is not near ${expected}`);
}

test("two bursts tell what a request costs and what a token does", () => {
  fc.assert(
    fc.property(
      fc.double({ min: 1e-5, max: 1e-3, noNaN: true }),
      fc.double({ min: 1e-6, max: 1e-4, noNaN: true }),
      (requestS, tokenS) => {
        const costs = { requestS, tokenS };
        const bursts = { short: burst(400, 401, costs), long: burst(120, 7_650, costs) };
        const { cleanRatePerSecond, cleanTokensPerSecond } = cleanRateOf(bursts, 1);
        near(cleanRatePerSecond, 0.85 / requestS);
        near(cleanTokensPerSecond, 0.85 / tokenS);
      },
    ),
  );
});

test("a quota that leaves a tenth of a core leaves a tenth of the rates", () => {
  const costs = { requestS: 1e-4, tokenS: 1e-5 };
  const bursts = { short: burst(400, 400, costs), long: burst(100, 6_400, costs) };
  near(cleanRateOf(bursts, 0.1).cleanRatePerSecond, 850);
});

test("where noise leaves nothing for one of them, they share what the long burst cost", () => {
  const bursts = {
    short: { requests: 400, tokens: 400, cpuSeconds: 0.9 },
    long: { requests: 100, tokens: 6_400, cpuSeconds: 0.072 },
  };
  const { cleanRatePerSecond, cleanTokensPerSecond } = cleanRateOf(bursts, 1);
  near(cleanTokensPerSecond, 85_000);
  near(cleanRatePerSecond, 85_000 / 8);
});

test("a burst in which nothing came still gives finite rates", () => {
  const nothing = { requests: 0, tokens: 0, cpuSeconds: 0 };
  const { cleanRatePerSecond, cleanTokensPerSecond } = cleanRateOf(
    { short: nothing, long: nothing },
    1,
  );
  assert.ok(Number.isFinite(cleanRatePerSecond) && Number.isFinite(cleanTokensPerSecond));
});

test("the rate of a burst keeps the agent as busy as was asked", () => {
  const costs = lumpedCosts({ requests: 100, tokens: 2_400, cpuSeconds: 0.032 });
  near(costs.perTokenS, 1e-5);
  near(rateAt(costs, 64, 0.5), 0.5 / (72 * 1e-5));
});
