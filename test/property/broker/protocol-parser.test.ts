import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import type { ProtocolEvent } from "../../../coordinator/broker/protocol-event.ts";
import { ProtocolParser } from "../../../coordinator/broker/protocol-parser.ts";

const limits = { controlLineBytesMax: 24, payloadBytesMax: 48 };

const word = fc.stringMatching(/^[a-z0-9.*>_]{1,6}$/);
const blank = fc.constantFrom(" ", "  ", "\t");
const lineEnd = fc.constantFrom("\r\n", "\r\n", "\n");
const payload = fc
  .uint8Array({ maxLength: 52 })
  .map((bytes) => Buffer.from(bytes).toString("latin1"));

/** Well-formed operations of both directions, some of them over the limits, as latin1 text. */
const operation: fc.Arbitrary<string> = fc.oneof(
  fc
    .tuple(
      fc.constantFrom("PING", "pong", "+OK", "-ERR 'x y'", 'CONNECT {"a":"ü"}', "INFO {}"),
      lineEnd,
    )
    .map(([verb, end]) => Buffer.from(verb + end).toString("latin1")),
  fc
    .tuple(fc.constantFrom("SUB", "UNSUB", "Sub"), fc.array(word, { maxLength: 4 }), blank, lineEnd)
    .map(([verb, words, gap, end]) => [verb, ...words].join(gap) + end),
  fc
    .tuple(fc.constantFrom("PUB", "MSG"), fc.array(word, { minLength: 1, maxLength: 3 }), payload)
    .map(([verb, words, text]) => `${verb} ${words.join(" ")} ${text.length}\r\n${text}\r\n`),
  fc
    .tuple(fc.constantFrom("HPUB", "HMSG"), fc.array(word, { minLength: 1, maxLength: 3 }), payload)
    .map(([verb, words, text]) => {
      const headerBytes = Math.floor(text.length / 2);
      return `${verb} ${words.join(" ")} ${headerBytes} ${text.length}\r\n${text}\r\n`;
    }),
  // A payload of another length than announced, and noise.
  fc.tuple(fc.nat(20), payload).map(([size, text]) => `PUB a ${size}\r\n${text}\r\n`),
  payload,
);

const stream = fc
  .array(operation, { maxLength: 8 })
  .map((operations) => Buffer.from(operations.join(""), "latin1"));

const seen = (events: readonly ProtocolEvent[]): unknown[] =>
  events.map((event) => ("payload" in event ? { ...event, payload: [...event.payload] } : event));

function eventsOf(bytes: Uint8Array, cuts: readonly number[]): unknown[] {
  const parser = new ProtocolParser(limits);
  const edges = [...cuts.map((cut) => cut % (bytes.length + 1)), 0, bytes.length].sort(
    (a, b) => a - b,
  );
  const events: unknown[] = [];
  for (let i = 1; i < edges.length; i++) {
    // A copy, since the parser may keep views of what it is given.
    events.push(...seen(parser.push(Uint8Array.from(bytes.subarray(edges[i - 1], edges[i])))));
  }
  return events;
}

test("the events are the same for every way of cutting the bytes", () => {
  fc.assert(
    fc.property(stream, fc.array(fc.nat(), { maxLength: 12 }), (bytes, cuts) => {
      assert.deepEqual(eventsOf(bytes, cuts), eventsOf(bytes, []));
    }),
    { numRuns: 1_000 },
  );
});

test("the events are the same byte by byte", () => {
  fc.assert(
    fc.property(stream, (bytes) => {
      assert.deepEqual(eventsOf(bytes, [...bytes.keys()]), eventsOf(bytes, []));
    }),
    { numRuns: 300 },
  );
});

test("a violation is the last event, and there is at most one", () => {
  fc.assert(
    fc.property(stream, fc.array(fc.nat(), { maxLength: 4 }), (bytes, cuts) => {
      const kinds = eventsOf(bytes, cuts).map((event) => (event as ProtocolEvent).kind);
      const violationAt = kinds.indexOf("violation");
      assert.ok(violationAt === -1 || violationAt === kinds.length - 1);
    }),
    { numRuns: 500 },
  );
});
