import assert from "node:assert/strict";
import { test } from "node:test";
import { precisionNotes } from "../../../coordinator/search/precision-note.ts";

test("an interval wider than asked is told in figures that differ", () => {
  assert.deepEqual(precisionNotes(0.1, 0.1), []);
  assert.match(precisionNotes(0.73, 0.1).join(), /^the interval is ±73 %, wider than the ±10 % /);
  assert.match(
    precisionNotes(0.104, 0.1).join(),
    /^the interval is ±10\.4 %, wider than the ±10\.0 % /,
  );
  assert.match(precisionNotes(0.10004, 0.1).join(), /±10\.004 %, wider than the ±10\.000 % /);
});
