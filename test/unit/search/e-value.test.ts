import assert from "node:assert/strict";
import { test } from "node:test";
import { mixtureLogEValue } from "../../../coordinator/search/e-value.ts";

test("under the allowed fraction the e-value is 1 on average", () => {
  const total = 120;
  let expectation = 0;
  let probability = 0.99 ** total;
  for (let over = 0; over <= total; over++) {
    expectation += probability * Math.exp(mixtureLogEValue(over, total, 0.01));
    probability *= (((total - over) / (over + 1)) * 0.01) / 0.99;
  }
  assert.ok(Math.abs(expectation - 1) < 1e-9, `${expectation}`);
});

test("it grows with every bad request and falls with every good one", () => {
  for (let over = 1; over < 40; over++) {
    assert.ok(mixtureLogEValue(over, 100, 0.01) > mixtureLogEValue(over - 1, 100, 0.01));
    assert.ok(mixtureLogEValue(over, 100, 0.01) > mixtureLogEValue(over, 101, 0.01));
  }
});

test("a loose clause has alternatives above it too", () => {
  assert.ok(mixtureLogEValue(95, 100, 0.5) > Math.log(20));
  assert.ok(Number.isFinite(mixtureLogEValue(100, 100, 0.9)));
});
