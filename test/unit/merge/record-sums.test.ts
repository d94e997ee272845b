import assert from "node:assert/strict";
import { test } from "node:test";
import { RecordSums } from "../../../coordinator/merge/record-sums.ts";
import type { RecordBatch, RequestRecord } from "../../../shared/measurement/report.ts";
import type { Segment } from "../../../shared/segment/segment.ts";
import { sampleBatch, sampleRecord } from "../../support/sample-report.ts";

const S = 1e9;

function segment(number: number, startAtS: number, changes: Partial<Segment> = {}): Segment {
  return {
    number,
    mode: { kind: "open", arrivals: { kind: "poisson", ratePerSecond: 1 } },
    startAtNs: startAtS * S,
    recordFromNs: (startAtS + 1) * S,
    recordUntilNs: (startAtS + 3) * S,
    endByNs: (startAtS + 10) * S,
    requestsMax: 0,
    shares: [{ agentId: "agent-1", capacity: 1 }],
    ...changes,
  };
}

function record(intendedS: number, durationS: number, sendDelayS = 0): RequestRecord {
  return {
    ...sampleRecord(0),
    intendedAtUs: intendedS * 1e6,
    sendDelayUs: sendDelayS * 1e6,
    durationUs: durationS * 1e6,
  };
}

function batch(number: number, ofSegment: number, ...records: RequestRecord[]): RecordBatch {
  return { ...sampleBatch(number, 0), segment: ofSegment, records };
}

test("departures of a window are those of requests intended in it, from the sent instant", () => {
  const sums = new RecordSums();
  sums.expect(segment(1, 0));
  sums.take(
    batch(
      1,
      1,
      record(0.5, 1),
      record(1, 1, 0.25),
      record(2.9, 1, 0.2),
      record(3, 1),
      record(2, 1),
    ),
  );
  assert.deepEqual([...sums.of(1)!.sentAtNs], [1.25 * S, 3.1 * S, 2 * S]);
  assert.equal(sums.countOf("agent-1"), 5);
});

test("a request counts in every window that it reaches into, with its part of each", () => {
  const sums = new RecordSums();
  sums.expect(segment(1, 0));
  sums.expect(segment(2, 10));
  // 1..3 is the first window, 11..13 the second.
  sums.take(batch(1, 1, record(0, 1.5), record(2, 9.5, 0.5)));
  sums.take({ ...batch(1, 2, record(12, 5)), agentId: "agent-2" });
  assert.deepEqual([...sums.of(1)!.inFlightS], [["agent-1", 0.5 + 0.5]]);
  assert.deepEqual(
    [...sums.of(2)!.inFlightS],
    [
      ["agent-1", 1],
      ["agent-2", 1],
    ],
  );
});

test("the next segment's start ends the window before", () => {
  const sums = new RecordSums();
  sums.expect(segment(1, 0));
  sums.expect(segment(2, 2));
  sums.take(batch(1, 1, record(1.5, 10), record(2.5, 1)));
  assert.deepEqual([...sums.of(1)!.inFlightS], [["agent-1", 0.5]]);
  assert.deepEqual([...sums.of(1)!.sentAtNs], [1.5 * S]);
});

test("a batch that comes twice counts once", () => {
  const sums = new RecordSums();
  sums.expect(segment(1, 0));
  for (const number of [1, 2, 1, 2]) sums.take(batch(number, 1, record(1.5, 0.5)));
  assert.equal(sums.countOf("agent-1"), 2);
  assert.deepEqual([...sums.of(1)!.inFlightS], [["agent-1", 1]]);
});

test("modes without a schedule have no departures to test, and more than the bound are not kept", () => {
  const sums = new RecordSums();
  sums.expect(segment(1, 0, { mode: { kind: "closed", streams: 1 } }));
  sums.expect(segment(2, 10));
  sums.take(batch(1, 1, record(1.5, 0.5)));
  assert.deepEqual([...sums.of(1)!.sentAtNs], []);
  const many = Array.from({ length: 1 << 16 }, () => record(11.5, 0.001));
  for (let number = 2; number <= 18; number += 1) sums.take(batch(number, 2, ...many));
  assert.equal(sums.of(2)!.sentAtNs.length, 1 << 20);
  assert.equal(sums.of(2)!.sentAtCut, 1 << 16);
});
