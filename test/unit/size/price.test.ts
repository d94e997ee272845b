import assert from "node:assert/strict";
import { test } from "node:test";
import { costOf } from "../../../coordinator/size/cost.ts";
import { readPrice, replicaPricePerHour } from "../../../coordinator/size/price.ts";

test("a price has a unit: of a replica, or of each of its GPUs", () => {
  assert.deepEqual(readPrice("3.2/h"), { value: { perHour: 3.2, per: "replica", currency: "$" } });
  assert.deepEqual(readPrice("€2.5 / gpu-h"), {
    value: { perHour: 2.5, per: "gpu", currency: "€" },
  });
  for (const [text, problem] of [
    ["3.2", /has no unit/],
    ["3.2/month", /"month" is no unit/],
    ["0/h", /no price above 0/],
    ["cheap", /is no price/],
  ] as const) {
    const reading = readPrice(text);
    assert.ok(!("value" in reading));
    assert.match(reading.message, problem);
  }
});

test("eight GPUs at 2.5 an hour each make a replica of 20", () => {
  assert.equal(replicaPricePerHour({ perHour: 2.5, per: "gpu", currency: "$" }, 8), 20);
  assert.equal(replicaPricePerHour({ perHour: 2.5, per: "replica", currency: "$" }, 8), 2.5);
});

test("3.6 dollars an hour at 1,000 tokens/s are one dollar for a million tokens", () => {
  assert.equal(costOf(3.6, { perSecond: 1_000, many: 1e6 }), 1);
});
