import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { readEventText } from "../../../agent/endpoint/chat-events.ts";
import { EventScan, UNSURE } from "../../../agent/endpoint/event-scan.ts";
import { TRANSCRIPTS } from "../../support/stream-fixtures/transcripts.ts";

const eventScan = new EventScan();

function scan(text: string): number {
  const bytes = Buffer.from(`"{${text}}"`);
  return eventScan.scan(bytes, 2, bytes.length - 2);
}

/** Texts that a careless scan stumbles over, beside any texts. */
const text = fc.oneof(
  fc.constantFrom(
    "",
    " ",
    '"',
    "\\",
    '\\"',
    "}",
    "]}",
    ',"content":"x"',
    "error",
    "usage",
    "[DONE]",
  ),
  fc.string({ unit: "grapheme", maxLength: 10 }),
);
const anything = fc.oneof(
  text,
  fc.constantFrom(null, true, false, 0, -1.5, 3e20),
  fc.jsonValue({ maxDepth: 3 }),
);
const textOrNull = fc.oneof({ weight: 4, arbitrary: text }, fc.constant(null), anything);

const toolCall = fc.record(
  { index: fc.nat(3), function: fc.record({ name: text, arguments: text }, { requiredKeys: [] }) },
  { requiredKeys: [] },
);
const delta = fc.record(
  {
    role: text,
    content: textOrNull,
    reasoning_content: textOrNull,
    reasoning: textOrNull,
    refusal: textOrNull,
    tool_calls: fc.oneof(fc.array(toolCall, { maxLength: 2 }), anything),
    extra: anything,
  },
  { requiredKeys: [] },
);
const choice = fc.record(
  {
    index: fc.nat(8),
    delta: fc.oneof({ weight: 5, arbitrary: delta }, anything),
    text: textOrNull,
    finish_reason: textOrNull,
    logprobs: anything,
  },
  { requiredKeys: [] },
);
const usage = fc.record({ prompt_tokens: fc.nat(), completion_tokens: fc.nat() });
const event = fc.record(
  {
    id: text,
    choices: fc.oneof({ weight: 6, arbitrary: fc.array(choice, { maxLength: 3 }) }, anything),
    usage: fc.oneof({ weight: 3, arbitrary: fc.constant(null) }, usage, anything),
    error: fc.oneof({ weight: 5, arbitrary: fc.constant(null) }, anything),
    timings: anything,
  },
  { requiredKeys: [] },
);
const spacing = fc.constantFrom(undefined, 1, "\t");

test("wherever the byte scan answers, it says what JSON.parse says", () => {
  fc.assert(
    fc.property(event, spacing, (value, space) => {
      const json = JSON.stringify(value, undefined, space);
      const scanned = scan(json);
      assert.ok(scanned === UNSURE || scanned === readEventText(json).meaning, json);
    }),
    { numRuns: 5_000 },
  );
});

test("an event of texts alone, without usage or error, is always answered by the scan", () => {
  const plain = fc.record({
    id: text,
    usage: fc.constant(null),
    choices: fc.array(
      fc.record({ delta: fc.record({ content: text, reasoning: text }), finish_reason: text }),
      { maxLength: 3 },
    ),
    timings: anything,
  });
  fc.assert(
    fc.property(plain, spacing, (value, space) => {
      const json = JSON.stringify(value, undefined, space);
      // A key with an escape in it is the parser's business.
      fc.pre(!/\\[^"]*":/.test(json));
      assert.equal(scan(json), readEventText(json).meaning);
    }),
    { numRuns: 2_000 },
  );
});

test("no damage to an event makes the scan differ from JSON.parse, where that can parse it", () => {
  fc.assert(
    fc.property(event, fc.nat(), fc.nat(), fc.constantFrom("", '"', "{", "}", ","), (...drawn) => {
      const [value, at, length, put] = drawn;
      const json = JSON.stringify(value);
      const start = at % (json.length + 1);
      const damaged = json.slice(0, start) + put + json.slice(start + (length % 4));
      const scanned = scan(damaged);
      const parses = isJsonObject(damaged);
      assert.ok(
        !parses || scanned === UNSURE || scanned === readEventText(damaged).meaning,
        damaged,
      );
    }),
    { numRuns: 5_000 },
  );
});

test("every event of every transcript means the same to the scan and to JSON.parse", () => {
  for (const { chunks } of TRANSCRIPTS) {
    for (const line of chunks.join("").split("\n")) {
      const data = line.replace(/^data: /, "");
      const scanned = scan(data);
      assert.ok(scanned === UNSURE || scanned === readEventText(data).meaning, data);
    }
  }
});

function isJsonObject(json: string): boolean {
  try {
    return typeof JSON.parse(json) === "object";
  } catch {
    return false;
  }
}
