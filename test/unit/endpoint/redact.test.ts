import assert from "node:assert/strict";
import { test } from "node:test";
import { excerpt } from "../../../agent/endpoint/excerpt.ts";
import { redact } from "../../../agent/endpoint/redact.ts";

const KEY = "sk-secret-0123456789";

test("a key is taken out wherever it stands, and what is no key stays", () => {
  assert.equal(redact(`${KEY}, again ${KEY}.`, KEY), "[key], again [key].");
  assert.equal(redact("sk-sec", "sk-sec"), "[key]");
  for (const none of [undefined, ""]) assert.equal(redact(`bad ${KEY}`, none), `bad ${KEY}`);
  assert.equal(redact("a mask-s… sk-se", KEY), "a mask-s… sk-se");
});

test("nothing of a key is left where an excerpt cuts it", () => {
  for (let before = 0; before <= 820; before += 1) {
    for (const filling of ["x", " "]) {
      const said = excerpt(`bad key${filling.repeat(before)}${KEY} is not known`);
      const left = redact(said, KEY);
      assert.ok(!left.includes(KEY.slice(0, 6)), `${before}: ${left}`);
      assert.ok(redact(`HTTP 401: ${said}`, KEY).startsWith("HTTP 401: bad key"));
    }
  }
});
