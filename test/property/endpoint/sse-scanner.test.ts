import assert from "node:assert/strict";
import { test } from "node:test";
import { createParser } from "eventsource-parser";
import fc from "fast-check";
import { SseScanner } from "../../../agent/endpoint/sse-scanner.ts";
import { TRANSCRIPTS } from "../../support/stream-fixtures/transcripts.ts";

function scan(reads: readonly Uint8Array[], eventBytesMax?: number): string[] {
  const events: string[] = [];
  const scanner = new SseScanner((buffer, start, end) => {
    events.push(Buffer.from(buffer.subarray(start, end)).toString());
  }, eventBytesMax);
  const taken = reads.map((read) => scanner.push(read));
  return taken.includes(false) ? [...events, "(too large)"] : events;
}

function oracle(bytes: Uint8Array): string[] {
  const events: string[] = [];
  // The oracle reads text; its decoder must leave the byte order mark to it.
  const text = new TextDecoder("utf-8", { ignoreBOM: true }).decode(bytes);
  createParser({ onEvent: (event) => events.push(event.data) }).feed(text);
  return events;
}

function cut(bytes: Uint8Array, places: readonly number[]): Uint8Array[] {
  const at = [0, ...places.map((place) => place % (bytes.length + 1)), bytes.length];
  at.sort((a, b) => a - b);
  // Copies, overwritten by nobody: but each read has its own memory, as a socket's reads have.
  return at.slice(1).map((end, index) => Uint8Array.from(bytes.subarray(at[index], end)));
}

/** Streams made of what matters to a scanner, right and wrong, rather than of any bytes. */
const stream = fc
  .array(
    fc.oneof(
      { weight: 6, arbitrary: fc.constantFrom("\n", "\r", "\r\n", "\n\n", "\r\r") },
      {
        weight: 6,
        arbitrary: fc.constantFrom("data: ", "data:", "data", "dat", "data : ", " data: "),
      },
      {
        weight: 2,
        arbitrary: fc.constantFrom(":", ": ping", "event: x", "id: 7", "retry: 1", "\uFEFF"),
      },
      { weight: 4, arbitrary: fc.string({ unit: "grapheme", maxLength: 12 }) },
    ),
    { maxLength: 40 },
  )
  .map((pieces) => Buffer.from(pieces.join("")));
const places = fc.array(fc.nat(10_000), { maxLength: 60 });

test("the scanner finds the events that eventsource-parser finds, however the bytes are cut", () => {
  fc.assert(
    fc.property(stream, places, (bytes, at) => {
      const expected = oracle(bytes);
      assert.deepEqual(scan([bytes]), expected);
      assert.deepEqual(scan(cut(bytes, at)), expected);
    }),
    { numRuns: 2_000 },
  );
});

test("every transcript of a server, cut anywhere, gives the events of eventsource-parser", () => {
  for (const { chunks } of TRANSCRIPTS) {
    const bytes = Buffer.from(chunks.join(""));
    const expected = oracle(bytes);
    assert.ok(expected.length > 0);
    assert.deepEqual(scan(Array.from(bytes, (byte) => Uint8Array.of(byte))), expected);
    for (let place = 0; place <= bytes.length; place += 1) {
      assert.deepEqual(scan(cut(bytes, [place])), expected);
    }
  }
});

test("the bound on an event holds at the same place however the bytes are cut", () => {
  fc.assert(
    fc.property(stream, places, fc.integer({ min: 1, max: 40 }), (bytes, at, eventBytesMax) => {
      assert.deepEqual(scan(cut(bytes, at), eventBytesMax), scan([bytes], eventBytesMax));
    }),
    { numRuns: 1_000 },
  );
});
