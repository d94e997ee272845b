import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { agentsNeeded, cleanRateAt, fleetCleanRate } from "../../../coordinator/fleet/capacity.ts";

const agent = { host: "h1", cores: 8, cleanRatePerSecond: 2_000, cleanTokensPerSecond: 32_000 };
const unmeasured = { ...agent, cleanRatePerSecond: 0, cleanTokensPerSecond: 0 };

test("a load takes up a part of an agent's requests and a part of its tokens", () => {
  assert.equal(cleanRateAt(agent, 0), 2_000);
  // 1/2000 + 64/32000 = 0.0025 s of the agent for each request.
  assert.equal(cleanRateAt(agent, 64), 400);
  assert.equal(cleanRateAt(unmeasured, 64), undefined);
});

test("agents add up, each with a core of its own", () => {
  assert.equal(fleetCleanRate([agent, { ...agent, host: "h2" }], 64), 800);
  assert.equal(fleetCleanRate([agent, agent, agent], 64), 1_200);
});

test("agents of a host share its cores when they are more", () => {
  const small = { ...agent, cores: 2 };
  assert.equal(fleetCleanRate([small, small, small, small], 64), 800);
  assert.equal(fleetCleanRate([small, small, small, small, { ...agent, host: "h2" }], 64), 1_200);
});

test("one agent that was not measured leaves the fleet's rate unknown", () => {
  assert.equal(fleetCleanRate([agent, unmeasured], 64), undefined);
  assert.equal(agentsNeeded([agent, unmeasured], { ratePerSecond: 1, tokens: 64 }), undefined);
  assert.equal(agentsNeeded([], { ratePerSecond: 1, tokens: 64 }), undefined);
});

test("so many agents carry the rate, and one less does not", () => {
  assert.equal(agentsNeeded([agent], { ratePerSecond: 2_000, tokens: 64 }), 5);
  assert.equal(agentsNeeded([agent], { ratePerSecond: 2_000.5, tokens: 64 }), 6);
  fc.assert(
    fc.property(
      fc.integer({ min: 1, max: 5_000 }),
      fc.integer({ min: 1, max: 4_096 }),
      (ratePerSecond, tokens) => {
        const needed = agentsNeeded([agent], { ratePerSecond, tokens }) ?? 0;
        const of = (count: number): number =>
          fleetCleanRate(
            Array.from({ length: count }, (_, place) => ({ ...agent, host: `h${place}` })),
            tokens,
          ) ?? 0;
        assert.ok(of(needed) >= ratePerSecond * (1 - 1e-9));
        assert.ok(of(needed - 1) < ratePerSecond * (1 + 1e-9));
      },
    ),
    { numRuns: 50 },
  );
});
