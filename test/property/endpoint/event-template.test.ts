import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { ChatEvents } from "../../../agent/endpoint/chat-events.ts";
import { EventTemplate } from "../../../agent/endpoint/event-template.ts";
import { UNSURE } from "../../../agent/endpoint/event-scan.ts";
import { Meaning } from "../../../agent/endpoint/meaning.ts";
import { TRANSCRIPTS } from "../../support/stream-fixtures/transcripts.ts";

const events = new ChatEvents();
const usual = (content: string): string =>
  `{"id":"a","choices":[{"index":0,"delta":{"content":${content}},"finish_reason":null}]}`;

/** What a damaged text might do to a careless match: end early, escape its end, be empty. */
const content = fc.oneof(
  fc.string({ unit: "grapheme", maxLength: 12 }).map((text) => JSON.stringify(text)),
  fc.constantFrom(
    '""',
    '"\\""',
    '"\\\\"',
    "null",
    '"a","role":"b"',
    '"\\"',
    "7",
    '"x"}},{"delta":{"content":""',
  ),
);
const data = fc.oneof(
  { weight: 8, arbitrary: content.map(usual) },
  fc
    .constantFrom(...TRANSCRIPTS.flatMap(({ chunks }) => chunks))
    .map((chunk) => chunk.slice(6).trim()),
);

test("an event means with a template what it means without one, whatever came before", () => {
  fc.assert(
    fc.property(fc.array(data, { maxLength: 30 }), (stream) => {
      const template = new EventTemplate();
      for (const text of stream) {
        const bytes = Buffer.from(`x${text}y`);
        const end = bytes.length - 1;
        const expected = events.read(bytes, 1, end);
        assert.equal(events.read(bytes, 1, end, template), expected, text);
      }
    }),
    { numRuns: 2_000 },
  );
});

test("the second token of a stream fits; an empty text, another id and an escaped end do not", () => {
  const template = new EventTemplate();
  const fits = (text: string): number =>
    template.match(Buffer.from(text), 0, Buffer.byteLength(text));
  const first = Buffer.from(usual('"a"'));
  events.read(first, 0, first.length, template);
  assert.equal(fits(usual('"another"')), Meaning.text);
  assert.equal(fits(usual('"\\""')), Meaning.text);
  assert.equal(fits(usual('""')), UNSURE);
  assert.equal(fits(usual('"\\"')), UNSURE);
  assert.equal(fits(usual('"a"').replace('"id":"a"', '"id":"b"')), UNSURE);
  assert.equal(fits(usual('"a"').replace("null", '"stop"')), UNSURE);
  assert.equal(fits("{}"), UNSURE);
});

test("a stream whose events differ in more than their text is given up on", () => {
  const template = new EventTemplate();
  const withId = (id: number): Buffer =>
    Buffer.from(usual('"a"').replace('"id":"a"', `"id":"${id}"`));
  for (let id = 0; id < 20; id += 1) {
    const bytes = withId(id);
    events.read(bytes, 0, bytes.length, template);
  }
  // Had it learnt the last one too, this would fit.
  assert.equal(template.match(withId(19), 0, withId(19).length), UNSURE);
});
