import assert from "node:assert/strict";
import { test } from "node:test";
import { spreadOver } from "../../../coordinator/fleet/spread.ts";

const FLEET = ["a", "b", "c"];

/** Part of the load of each, in percent. */
function parts(shares: ReturnType<typeof spreadOver>): number[] {
  const sum = shares.reduce((total, { capacity }) => total + capacity, 0);
  return shares.map(({ capacity }) => Math.round((100 * capacity) / sum));
}

test("at first the load is spread evenly, and stays so while nobody is strained", () => {
  const first = spreadOver(FLEET, undefined, []);
  assert.deepEqual(parts(first), [33, 33, 33]);
  assert.deepEqual(spreadOver(FLEET, first, []), first);
});

test("an agent that a window was invalid for gives half of its part to the others, and then half again", () => {
  const once = spreadOver(FLEET, undefined, ["b"]);
  assert.deepEqual(parts(once), [40, 20, 40]);
  const twice = spreadOver(FLEET, once, ["b"]);
  assert.deepEqual(parts(twice), [44, 11, 44]);
  assert.deepEqual(spreadOver(FLEET, twice, ["b"]), twice, "nobody is left without a part");
  assert.deepEqual(spreadOver(FLEET, twice, []), twice, "and it keeps what it can carry");
});

test("where all are strained nothing moves, and who left takes its part along", () => {
  assert.deepEqual(parts(spreadOver(FLEET, undefined, FLEET)), [33, 33, 33]);
  const once = spreadOver(FLEET, undefined, ["b"]);
  assert.deepEqual(parts(spreadOver(["a", "b"], once, [])), [67, 33]);
});
