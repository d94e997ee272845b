import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";

const ROOT = new URL("../../", import.meta.url);

function read(file: string): string {
  return readFileSync(new URL(file, ROOT), "utf8");
}

/** The rows of the first table behind a heading of docs/measurement.md, each as its cells. */
function rowsBehind(text: string, heading: string): readonly (readonly string[])[] {
  const [, section] = text.split(`${heading}\n`);
  assert.ok(section !== undefined, heading);
  const lines = section.split("\n");
  const from = lines.findIndex((line) => line.startsWith("|"));
  const table = lines.slice(from);
  const end = table.findIndex((line) => !line.startsWith("|"));
  return table.slice(2, end).map((line) =>
    line
      .split("|")
      .slice(1, -1)
      .map((cell) => cell.trim()),
  );
}

/** Each `file`: "words of it", "more words" of a text. */
function quotesOf(text: string): readonly { readonly file: string; readonly words: string }[] {
  return text.split(/(?=`test\/)/).flatMap((part) => {
    const file = /^`(test\/[^`]+)`/.exec(part)?.[1];
    if (file === undefined) return [];
    return [...part.matchAll(/"([^"]+)"/g)].map(([, words]) => ({
      file,
      words: words!.replaceAll("\n", " "),
    }));
  });
}

test("every check of validity names the tests that plant its fault, and they are there", () => {
  const text = read("docs/measurement.md");
  const checks = rowsBehind(text, "## Validity: is the generator to be believed?");
  const planted = rowsBehind(text, "### Where each check is planted");
  assert.ok(checks.length > 0);
  assert.deepEqual(
    planted.map(([check]) => check),
    checks.map(([check]) => check),
  );
  for (const [check, asFacts = ""] of planted)
    assert.ok(quotesOf(asFacts).length > 0, `${check}: no test is quoted`);
  const [, section = ""] = text.split("### Where each check is planted\n");
  const quotes = quotesOf(section.split("\n## ")[0]!);
  assert.ok(quotes.length > planted.length);
  for (const { file, words } of quotes)
    assert.ok(read(file).includes(words), `${file} has no "${words}"`);
});
