import assert from "node:assert/strict";
import { test } from "node:test";
import { fuzzStreams } from "../../support/stream-fixtures/fuzz-streams.ts";

test("damaged streams end, whole or open, or are refused by name (more of them: npm run fuzz)", () => {
  const { streams, whole, refused, open, events } = fuzzStreams(10_000, 20_261_125);
  assert.equal(whole + refused + open, streams);
  // The wounds are of every kind: many streams survive, many do not.
  assert.ok(whole > streams / 10 && refused > streams / 10 && open > 0 && events > streams);
});
