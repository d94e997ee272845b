import assert from "node:assert/strict";
import { test } from "node:test";
import { firstShares, spreadOver } from "../../../coordinator/fleet/spread.ts";
import { SHARE_PLACES_MAX, sharePlaces } from "../../../shared/arrivals/share.ts";

const FLEET = ["a", "b", "c"];

const agentOf = (
  agentId: string,
  host: string,
  cleanRatePerSecond: number,
): Parameters<typeof firstShares>[0][number] => ({
  ...{ agentId, host, cleanRatePerSecond },
  cores: 2,
  // So that 64 tokens cost as much again as the request.
  cleanTokensPerSecond: 64 * cleanRatePerSecond,
});

const capacitiesOf = (...agents: readonly ReturnType<typeof agentOf>[]): number[] =>
  firstShares(agents, 64).map(({ capacity }) => capacity);

const EVEN = firstShares(
  FLEET.map((agentId) => agentOf(agentId, "h", 0)),
  64,
);

/** Part of the load of each, in percent. */
function parts(shares: ReturnType<typeof spreadOver>): number[] {
  const sum = shares.reduce((total, { capacity }) => total + capacity, 0);
  return shares.map(({ capacity }) => Math.round((100 * capacity) / sum));
}

test("load that is spread evenly stays so while nobody is strained", () => {
  assert.deepEqual(parts(EVEN), [33, 33, 33]);
  assert.deepEqual(spreadOver(FLEET, EVEN, []), EVEN);
});

test("a machine that carries less gets less, in quarters of the fastest", () => {
  assert.deepEqual(capacitiesOf(agentOf("a", "h1", 1_000), agentOf("b", "h2", 520)), [4, 2]);
  assert.deepEqual(capacitiesOf(agentOf("a", "h1", 1_000), agentOf("b", "h2", 10)), [4, 1]);
  assert.deepEqual(capacitiesOf(agentOf("a", "h1", 1_000), agentOf("b", "h2", 900)), [4, 4]);
});

test("agents of one machine get even parts, whatever each of them read of it", () => {
  const [one, other] = [agentOf("a", "h1", 400), agentOf("b", "h1", 600)];
  assert.deepEqual(capacitiesOf(one, other), [4, 4]);
  assert.deepEqual(capacitiesOf(one, other, agentOf("c", "h2", 1_000)), [2, 2, 4]);
});

test("agents that share cores carry so much less", () => {
  const crowd = ["a", "b", "c", "d"].map((agentId) => agentOf(agentId, "h1", 1_000));
  assert.deepEqual(capacitiesOf(...crowd, agentOf("e", "h2", 1_000)), [2, 2, 2, 2, 4]);
});

test("one that was not measured makes all parts even", () => {
  assert.deepEqual(capacitiesOf(agentOf("a", "h1", 1_000), agentOf("b", "h2", 0)), [4, 4]);
});

test("thousands of agents make a pattern that can be built", () => {
  const many = Array.from({ length: 6_600 }, (_, place) =>
    agentOf(`a${place}`, `h${place}`, place === 0 ? 700 : 1_000),
  );
  assert.ok(sharePlaces(firstShares(many, 64)) <= SHARE_PLACES_MAX);
});

test("an agent that a window was invalid for gives half of its part to the others, and then half again", () => {
  const once = spreadOver(FLEET, EVEN, ["b"]);
  assert.deepEqual(parts(once), [40, 20, 40]);
  const twice = spreadOver(FLEET, once, ["b"]);
  assert.deepEqual(parts(twice), [44, 11, 44]);
  assert.deepEqual(spreadOver(FLEET, twice, ["b"]), twice, "nobody is left without a part");
  assert.deepEqual(spreadOver(FLEET, twice, []), twice, "and it keeps what it can carry");
});

test("where all are strained nothing moves, and who left takes its part along", () => {
  assert.deepEqual(parts(spreadOver(FLEET, EVEN, FLEET)), [33, 33, 33]);
  const once = spreadOver(FLEET, EVEN, ["b"]);
  assert.deepEqual(parts(spreadOver(["a", "b"], once, [])), [67, 33]);
});
