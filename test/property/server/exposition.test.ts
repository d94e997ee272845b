import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { parseExposition, type Sample } from "../../../coordinator/server/exposition.ts";

const name = fc.stringMatching(/^[a-zA-Z_:][a-zA-Z0-9_:]{0,20}$/);
const labelName = fc.stringMatching(/^[a-zA-Z_][a-zA-Z0-9_]{0,10}$/);
/** What must be escaped comes often, and what looks like the format's own. */
const labelValue = fc.string({
  unit: fc.oneof(
    fc.constantFrom("\\", '"', "\n", "n", "{", "}", ",", "#", " "),
    fc.string({ unit: "grapheme", minLength: 1, maxLength: 1 }).filter((letter) => letter !== "\r"),
  ),
  maxLength: 12,
});
const value = fc
  .oneof(fc.double(), fc.integer(), fc.constantFrom(NaN, Infinity, -Infinity))
  // The format has one zero.
  .map((number) => (number === 0 ? 0 : number));
const labels = fc.dictionary(labelName, labelValue, { maxKeys: 4, noNullPrototype: true });

interface Written extends Sample {
  readonly text: string;
}

function escaped(text: string): string {
  return text.replaceAll("\\", "\\\\").replaceAll('"', '\\"').replaceAll("\n", "\\n");
}

function valueText(number: number): string {
  if (Number.isNaN(number)) return "NaN";
  return Number.isFinite(number) ? String(number) : number > 0 ? "+Inf" : "-Inf";
}

/** A line as any exporter may write it: blanks, a comma at the end, a timestamp, an exemplar, a quoted name. */
const written: fc.Arbitrary<Written> = fc
  .record({
    name,
    labels,
    value,
    isQuoted: fc.boolean(),
    comma: fc.constantFrom("", ","),
    rest: fc.constantFrom("", " 1520879607.789", " 1520879607789", ' # {trace_id="a}"} 0.67 1.5'),
    gap: fc.constantFrom(" ", "  ", "\t"),
  })
  .map(({ name, labels, value, isQuoted, comma, rest, gap }) => {
    const pairs = Object.entries(labels).map(([key, text]) => `${key}="${escaped(text)}"`);
    const all = isQuoted ? [`"${name}"`, ...pairs] : pairs;
    const braces = all.length === 0 ? "" : `{${all.join(",")}${comma}}`;
    const text = `${isQuoted ? "" : name}${braces}${gap}${valueText(value)}${rest}`;
    return { name, labels: new Map(Object.entries(labels)), value, text };
  });

const comment = fc.constantFrom("", "# HELP a b", "# TYPE a gauge", "# EOF", "#");

test("what an exporter writes is read back, whatever stands around it", () => {
  fc.assert(
    fc.property(
      fc.array(fc.oneof(written, comment), { maxLength: 20 }),
      fc.constantFrom("\n", "\r\n"),
      (lines, newline) => {
        const text = lines
          .map((line) => (typeof line === "string" ? line : line.text))
          .join(newline);
        const samples = lines.filter((line) => typeof line !== "string");
        const read = parseExposition(text);
        assert.equal(read.malformed, undefined, text);
        assert.deepEqual(
          read.samples,
          samples.map(({ name, labels, value }) => ({ name, labels, value })),
        );
      },
    ),
  );
});

test("any text is read to its end, and every line is a sample, a comment or counted", () => {
  fc.assert(
    fc.property(fc.string({ unit: "binary", maxLength: 200 }), (text) => {
      const { samples, malformed } = parseExposition(text);
      const lines = text
        .split("\n")
        .map((line) => line.trim())
        .filter((line) => line !== "" && !line.startsWith("#"));
      assert.equal(samples.length + (malformed?.count ?? 0), lines.length);
    }),
  );
});

test("a damaged line costs no other line", () => {
  fc.assert(
    fc.property(fc.array(written, { minLength: 1, maxLength: 5 }), fc.nat(), (lines, at) => {
      const place = at % (lines.length + 1);
      const texts = lines.map(({ text }) => text);
      const damaged = [...texts.slice(0, place), 'a{b="c', ...texts.slice(place)];
      const { samples, malformed } = parseExposition(damaged.join("\n"));
      assert.equal(samples.length, lines.length);
      assert.deepEqual(malformed, { count: 1, line: place + 1, text: 'a{b="c' });
    }),
  );
});
