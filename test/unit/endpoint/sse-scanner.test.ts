import assert from "node:assert/strict";
import { test } from "node:test";
import { SseScanner } from "../../../agent/endpoint/sse-scanner.ts";

function eventsOf(reads: readonly (string | Uint8Array)[], eventBytesMax?: number): string[] {
  const events: string[] = [];
  const scanner = new SseScanner((buffer, start, end) => {
    events.push(Buffer.from(buffer.subarray(start, end)).toString());
  }, eventBytesMax);
  for (const read of reads) {
    events.push(...(scanner.push(Buffer.from(read)) ? [] : ["(too large)"]));
  }
  return events;
}

const cases: readonly {
  name: string;
  reads: readonly (string | Uint8Array)[];
  events: string[];
}[] = [
  { name: "LF", reads: ["data: a\n\ndata: b\n\n"], events: ["a", "b"] },
  { name: "CRLF", reads: ["data: a\r\n\r\ndata: b\r\n\r\n"], events: ["a", "b"] },
  { name: "CR", reads: ["data: a\r\rdata: b\r\r"], events: ["a", "b"] },
  { name: "a CRLF cut in two", reads: ["data: a\r", "\n\r", "\ndata: b\n\n"], events: ["a", "b"] },
  { name: "no space after the colon", reads: ["data:a\n\n"], events: ["a"] },
  { name: "only one space is taken away", reads: ["data:  a \n\n"], events: [" a "] },
  { name: "data without a colon", reads: ["data\n\n"], events: [""] },
  { name: "data with nothing behind the colon", reads: ["data:\n\n"], events: [""] },
  { name: "several data lines", reads: ["data: a\ndata: b\ndata\n\n"], events: ["a\nb\n"] },
  {
    name: "several data lines, read by read",
    reads: ["data: a\nda", "ta: b\n", "\n"],
    events: ["a\nb"],
  },
  {
    name: "other fields and comments",
    reads: [": ping\nevent: x\nid: 1\ndata: a\nretry: 5\ndatabase: b\nDATA: c\n\n:\n\n"],
    events: ["a"],
  },
  { name: "a byte order mark", reads: ["\uFEFFdata: a\n\n"], events: ["a"] },
  {
    name: "a byte order mark in three reads",
    reads: [Uint8Array.of(0xef), Uint8Array.of(0xbb), Uint8Array.of(0xbf), "data: a\n\n"],
    events: ["a"],
  },
  { name: "a second byte order mark", reads: ["\uFEFF\uFEFFdata: a\n\n"], events: [] },
  {
    name: "half a byte order mark belongs to the line",
    reads: [Uint8Array.of(0xef, 0xbb), "data: a\n\ndata: b\n\n"],
    events: ["b"],
  },
  { name: "no blank line at the end", reads: ["data: a\n\ndata: b\n"], events: ["a"] },
  { name: "empty reads", reads: ["", "data: a\n", "", "\n", ""], events: ["a"] },
  {
    name: "a character cut in two",
    reads: [Uint8Array.of(...Buffer.from("data: "), 0xc3), Uint8Array.of(0xa9, 0x0a, 0x0a)],
    events: ["é"],
  },
];

for (const { name, reads, events } of cases) {
  test(`the scanner finds events: ${name}`, () => {
    assert.deepEqual(eventsOf(reads), events);
  });
}

test("a line or an event above the bound ends the scan, after what came before it", () => {
  const line = `data: ${"x".repeat(20)}`;
  assert.deepEqual(eventsOf([`data: a\n\n${line}\n\n`, "data: b\n\n"], 25), [
    "a",
    "(too large)",
    "(too large)",
  ]);
  assert.deepEqual(eventsOf([`data: a\n\n${line}\n\n`], 26), ["a", "x".repeat(20)]);
  // Lines that are small enough, but not their sum.
  assert.deepEqual(eventsOf(["data: 123456\ndata: 7890123\n\n"], 13), ["(too large)"]);
  assert.deepEqual(eventsOf(["data: 123456\ndata: 789012\n\n"], 13), ["123456\n789012"]);
  // A line that never ends is not kept for ever.
  assert.deepEqual(eventsOf(["data: 1234", "567890123", "4"], 18), ["(too large)", "(too large)"]);
});

test("an event within one read is told as a view of that read", () => {
  const read = Buffer.from("data: abc\n\n");
  const buffers: Uint8Array[] = [];
  new SseScanner((buffer) => buffers.push(buffer)).push(read);
  assert.equal(buffers.length, 1);
  assert.equal(buffers[0], read);
});
