import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import {
  largestRemainder,
  placeOfAgent,
  type Share,
  SHARE_PLACES_MAX,
  shareMap,
  sharePlaces,
} from "../../../shared/arrivals/share.ts";
import { ExitCode, LoadError } from "../../../shared/errors.ts";

const sharesOf = (capacities: readonly number[]): Share[] =>
  capacities.map((capacity, place) => ({ agentId: `agent-${place}`, capacity }));

const sumOf = (values: readonly number[]): number => values.reduce((sum, value) => sum + value, 0);

const capacitiesArbitrary = fc
  .array(fc.integer({ min: 0, max: 12 }), { minLength: 1, maxLength: 20 })
  .filter((capacities) => sumOf(capacities) > 0);

/** nginx's own loop, agent by agent, over one whole round of weights. */
function naiveRoundRobin(weights: readonly number[], turns: number): number[] {
  const credits = weights.map(() => 0);
  return Array.from({ length: turns }, () => {
    let best = -1;
    for (const [agent, weight] of weights.entries()) {
      credits[agent]! += weight;
      if (weight > 0 && (best === -1 || credits[agent]! > credits[best]!)) best = agent;
    }
    credits[best]! -= sumOf(weights);
    return best;
  });
}

test("weights 5, 1, 1 go round as in nginx's own example", () => {
  assert.deepEqual([...shareMap(sharesOf([5, 1, 1]))], [0, 0, 1, 0, 2, 0, 0]);
});

test("the map is what nginx's loop over all agents would make", () => {
  fc.assert(
    fc.property(capacitiesArbitrary, (capacities) => {
      const map = [...shareMap(sharesOf(capacities))];
      assert.deepEqual(map, naiveRoundRobin(capacities, map.length));
    }),
    { seed: 1, numRuns: 300 },
  );
});

test("each agent holds exactly its part of the map, and an agent of capacity 0 none", () => {
  fc.assert(
    fc.property(capacitiesArbitrary, (capacities) => {
      const map = [...shareMap(sharesOf(capacities))];
      for (const [agent, capacity] of capacities.entries()) {
        const places = map.filter((owner) => owner === agent).length;
        assert.equal(places * sumOf(capacities), capacity * map.length);
      }
    }),
    { seed: 1 },
  );
});

test("capacities with a common divisor make the short map", () => {
  assert.deepEqual([...shareMap(sharesOf([400, 0, 200]))], [0, 2, 0]);
  assert.equal(shareMap(sharesOf(new Array<number>(5_000).fill(48))).length, 5_000);
});

test("a map that would be too long is refused, with what to do", () => {
  const shares = sharesOf([SHARE_PLACES_MAX, 1]);
  assert.equal(sharePlaces(shares), SHARE_PLACES_MAX + 1);
  assert.throws(
    () => shareMap(shares),
    (error: unknown) =>
      error instanceof LoadError &&
      error.code === "LL_SHARES_TOO_FINE" &&
      error.exitCode === ExitCode.PlanInvalid &&
      error.message.includes("65537 places") &&
      error.hint.includes("round"),
  );
  assert.equal(shareMap(sharesOf([SHARE_PLACES_MAX - 1, 1])).length, SHARE_PLACES_MAX);
});

test("shares of nothing are a bug of the one who split", () => {
  assert.throws(() => shareMap(sharesOf([0, 0])), /more than 0/);
  assert.throws(() => shareMap(sharesOf([1.5])), /whole/);
});

test("an agent's place is its position; one without a share has none", () => {
  assert.equal(placeOfAgent(sharesOf([1, 1]), "agent-1"), 1);
  assert.equal(placeOfAgent(sharesOf([1, 1]), "stranger"), -1);
});

test("largest remainder gives each its quota, rounded up or down, and gives everything", () => {
  fc.assert(
    fc.property(fc.nat(1_000_000), capacitiesArbitrary, (total, capacities) => {
      const parts = largestRemainder(total, capacities);
      assert.equal(sumOf(parts), total);
      for (const [agent, part] of parts.entries()) {
        const quota = (total * capacities[agent]!) / sumOf(capacities);
        assert.ok(part >= Math.floor(quota) && part <= Math.ceil(quota), `${part} for ${quota}`);
      }
    }),
    { seed: 1 },
  );
});

test("what is left goes to the largest remainders, the first of equals", () => {
  assert.deepEqual(largestRemainder(10, [6, 3, 3]), [5, 3, 2]);
  assert.deepEqual(largestRemainder(2, [1, 1, 1]), [1, 1, 0]);
  assert.deepEqual(largestRemainder(7, [10, 26, 30]), [1, 3, 3]);
  assert.deepEqual(largestRemainder(3, [0, 5]), [0, 3]);
  assert.deepEqual(largestRemainder(0, [1, 2]), [0, 0]);
});
