import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";

const ROOT = new URL("../../", import.meta.url);

test("every row of security.md's table of bad input names its tests, which are there and expect its codes", () => {
  const text = readFileSync(new URL("docs/security.md", ROOT), "utf8");
  const [, section = ""] = text.split("## How that is checked\n");
  const [, , ...rows] = (section.split("\n## ")[0] ?? "")
    .split("\n")
    .filter((line) => line.startsWith("|"));
  assert.ok(rows.length > 0);
  for (const row of rows) {
    const tests = [...row.matchAll(/`(test\/[^`]+)`/g)].map(([, file]) => file!);
    assert.ok(tests.length > 0, row);
    const expected = tests.map((file) => readFileSync(new URL(file, ROOT), "utf8")).join("");
    for (const [code] of row.matchAll(/LL_[A-Z_]+/g)) assert.ok(expected.includes(code), row);
  }
});
