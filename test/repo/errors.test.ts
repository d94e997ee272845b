import assert from "node:assert/strict";
import { readdirSync, readFileSync } from "node:fs";
import { test } from "node:test";
import { ExitCode } from "../../shared/errors.ts";

const ROOT = new URL("../../", import.meta.url);
const SOURCE_FOLDERS = ["agent", "coordinator", "shared", "cli", "simulator"];

/** What follows a prefix that ends in `_`: the alternatives of a regular expression. */
const ALTERNATIVES = /^\(([A-Z_|]+)\)/;

test("every error code of the source has a section in docs/errors.md, and every section a code", () => {
  assert.deepEqual([...sections().keys()].sort(), codesOfSource());
});

test("every section says what the code means, its exit code and what to do", () => {
  for (const [code, body] of sections())
    assert.match(
      body,
      /^\n[^\n]+\.\n\n- Exit code: (\d|none by itself)[^\n]*\n- What to do: [^\n]+\.\n/,
      code,
    );
});

test("the exit code of a section is the one that the source gives the error", () => {
  const found = sourceTexts().flatMap((text) => [
    ...text.matchAll(/code: "(LL_[A-Z_]+)",(?:(?!code:)[^]){0,400}?exitCode: ExitCode\.(\w+)/g),
  ]);
  assert.ok(found.length > 20, "errors are written as they were");
  for (const [, code = "", name = ""] of found) {
    const exitCode = ExitCode[name as keyof typeof ExitCode];
    const line = /^- Exit code: (.*)$/m.exec(sections().get(code) ?? "")?.[1] ?? "";
    assert.match(line, new RegExp(`\\b${exitCode}\\b`), code);
  }
});

test("a prefix of codes is read as the codes it stands for", () => {
  assert.deepEqual(codesIn('"LL_A_B" /^LL_T_(X|Y_Z)$/'), ["LL_A_B", "LL_T_X", "LL_T_Y_Z"]);
  assert.throws(() => codesIn("`LL_T_${name}`"), /LL_T_/);
});

function sections(): Map<string, string> {
  const text = readFileSync(new URL("docs/errors.md", ROOT), "utf8");
  const found = text
    .split(/^## /m)
    .slice(1)
    .filter((part) => part.startsWith("LL_"))
    .map(
      (part) => [part.slice(0, part.indexOf("\n")), part.slice(part.indexOf("\n") + 1)] as const,
    );
  assert.equal(new Set(found.map(([code]) => code)).size, found.length, "a code has two sections");
  return new Map(found);
}

function codesOfSource(): string[] {
  return [...new Set(sourceTexts().flatMap(codesIn))].sort();
}

function sourceTexts(): string[] {
  return SOURCE_FOLDERS.flatMap((folder) =>
    readdirSync(new URL(folder, ROOT), { recursive: true, encoding: "utf8" })
      .filter((name) => name.endsWith(".ts"))
      .map((name) => readFileSync(new URL(`${folder}/${name}`, ROOT), "utf8")),
  );
}

function codesIn(text: string): string[] {
  // `NULL_LINK` is a name, not a code.
  return [...text.matchAll(/\bLL_[A-Z_]+/g)].flatMap((match) => {
    const [code] = match;
    if (!code.endsWith("_")) return [code];
    const rest = ALTERNATIVES.exec(text.slice(match.index + code.length))?.[1];
    assert.ok(rest, `${code} builds codes that cannot be read off the source: write them out`);
    return rest.split("|").map((end) => code + end);
  });
}
