import assert from "node:assert/strict";
import { test } from "node:test";
import { OWN_EVENT } from "../../../agent/endpoint/chat-events.ts";
import { UsageTally } from "../../../agent/endpoint/usage-tally.ts";

type Usage = readonly [choice: number, inputTokens: number, outputTokens: number];

function tally(choices: number, usages: readonly Usage[]): [number, number] {
  const sum = new UsageTally(choices);
  for (const [choice, inputTokens, outputTokens] of usages) {
    sum.add(choice, inputTokens, outputTokens);
  }
  return [sum.inputTokens, sum.outputTokens];
}

test("with one choice the last usage counts, and silence takes nothing back", () => {
  assert.deepEqual(tally(1, []), [-1, -1]);
  assert.deepEqual(
    tally(1, [
      [0, 5, 1],
      [0, 5, 2],
      [OWN_EVENT, 5, 3],
    ]),
    [5, 3],
  );
  assert.deepEqual(
    tally(1, [
      [OWN_EVENT, 5, 3],
      [OWN_EVENT, -1, 4],
    ]),
    [5, 4],
  );
  // A server that gives event k the choice k (guidellm mock) still has one choice.
  assert.deepEqual(
    tally(1, [
      [0, 5, 1],
      [7, 5, 8],
    ]),
    [5, 8],
  );
});

test("with n choices, usage in events of their own adds up; the prompt does not", () => {
  assert.deepEqual(tally(2, [[OWN_EVENT, 5, 16]]), [5, 16]);
  assert.deepEqual(
    tally(2, [
      [OWN_EVENT, 5, 8],
      [OWN_EVENT, 5, 8],
    ]),
    [5, 16],
  );
});

test("with n choices, usage on their events is the last of each, until an own event says the sum", () => {
  assert.deepEqual(
    tally(2, [
      [0, 5, 1],
      [1, 5, 1],
      [0, 5, 8],
      [1, 5, 7],
    ]),
    [5, 15],
  );
  assert.deepEqual(
    tally(2, [
      [0, 5, 8],
      [1, 5, 7],
      [OWN_EVENT, 5, 15],
    ]),
    [5, 15],
  );
  assert.deepEqual(
    tally(2, [
      [OWN_EVENT, 5, 15],
      [0, 5, 8],
    ]),
    [5, 15],
  );
});
