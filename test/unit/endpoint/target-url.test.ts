import assert from "node:assert/strict";
import { test } from "node:test";
import { normaliseTargetUrl } from "../../../shared/control/target-url.ts";

const good: readonly [given: string, base: string][] = [
  ["http://127.0.0.1:8000", "http://127.0.0.1:8000/v1"],
  ["http://127.0.0.1:8000/", "http://127.0.0.1:8000/v1"],
  ["http://127.0.0.1:8000/v1", "http://127.0.0.1:8000/v1"],
  ["http://127.0.0.1:8000/v1//", "http://127.0.0.1:8000/v1"],
  ["  https://API.example.com/openai  ", "https://api.example.com/openai/v1"],
  ["http://[::1]:8000", "http://[::1]:8000/v1"],
  ["https://host:443", "https://host/v1"],
  // A path that names a version has all it needs.
  ["https://host/v1beta/openai", "https://host/v1beta/openai"],
  ["https://host/api/v4", "https://host/api/v4"],
];
for (const [given, base] of good) {
  test(`the base URL of ${JSON.stringify(given)}`, () => {
    assert.equal(normaliseTargetUrl(given), base);
    assert.equal(normaliseTargetUrl(base), base);
  });
}

const bad: readonly [given: string, message: RegExp][] = [
  ["", /is not an http:\/\/ or https:\/\/ URL/],
  ["localhost:8000", /"localhost:8000" is not/],
  ["ftp://host", /is not an http/],
  ["http://", /is not an http/],
  ["http://host:99999", /is not an http/],
  ["http://user:secret@host", /holds a user or password/],
  ["http://host/v1?x=1", /holds a query/],
  ["http://host/v1#x", /holds a query or a fragment/],
  ["http://host/v1/?", /holds a query/],
  ["http://host/v1/chat/completions", /is the address of one call/],
];
for (const [given, message] of bad) {
  test(`no base URL: ${JSON.stringify(given)}`, () => {
    assert.throws(() => normaliseTargetUrl(given), {
      code: "LL_TARGET_URL_INVALID",
      exitCode: 2,
      message,
    });
  });
}

test("a password in a URL is not repeated", () => {
  assert.throws(
    () => normaliseTargetUrl("http://user:secret@host"),
    (error) => error instanceof Error && !error.message.includes("secret"),
  );
});
