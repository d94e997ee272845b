import assert from "node:assert/strict";
import { test } from "node:test";
import { Spool } from "../../../agent/reporting/spool.ts";
import { sampleBatch } from "../../support/sample-report.ts";

function interval(sequence: number, bytes = 100): { sequence: number; report: Uint8Array } {
  return { sequence, report: new Uint8Array(bytes) };
}

test("the oldest records make room for reports, and the next batch says how many went", () => {
  // Room for two batches of ten records (160 bytes each), and a little.
  const spool = new Spool(3_500);
  for (let batch = 1; batch <= 2; batch += 1) spool.addRecords(sampleBatch(batch, 10));
  spool.addInterval(interval(1));
  assert.equal(spool.nextRecords()?.batch, 1);
  spool.addInterval(interval(2, 1_000));
  assert.equal(spool.nextRecords()?.batch, 2);
  assert.equal(spool.nextRecords()?.lostBefore, 10);
  spool.addInterval(interval(3, 2_000));
  assert.equal(spool.hasUnsentRecords, false);
  assert.deepEqual(spool.lost, []);
  assert.equal(spool.intervalCount, 3);
  spool.acknowledge(3);
  spool.addRecords(sampleBatch(3, 10));
  assert.equal(
    spool.nextRecords()?.lostBefore,
    20,
    "lost behind the last batch: named by the next",
  );
});

test("records that were sent already are no loss when they make room", () => {
  const spool = new Spool(2_000);
  spool.addRecords(sampleBatch(1, 10));
  spool.recordsSent(0);
  spool.addInterval(interval(1, 1_000));
  spool.addRecords(sampleBatch(2, 5));
  assert.equal(spool.nextRecords()?.lostBefore, 0);
});

test("without records left the oldest reports go, joined into ranges by their sequence", () => {
  const spool = new Spool(250);
  for (let sequence = 1; sequence <= 4; sequence += 1) spool.addInterval(interval(sequence));
  assert.deepEqual(spool.lost, [{ fromSequence: 1, toSequence: 2 }]);
  spool.acknowledge(4);
  for (let sequence = 5; sequence <= 7; sequence += 1) spool.addInterval(interval(sequence));
  assert.deepEqual(spool.lost, [
    { fromSequence: 1, toSequence: 2 },
    { fromSequence: 5, toSequence: 5 },
  ]);
  assert.equal(spool.lostCount, 3);
  assert.equal(spool.intervalAfter(0)?.sequence, 6);
});

test("an acknowledgement lets go of reports up to it, and of the batches sent before it", () => {
  const spool = new Spool(100_000);
  for (let sequence = 1; sequence <= 3; sequence += 1) spool.addInterval(interval(sequence));
  spool.addRecords(sampleBatch(1, 1));
  spool.addRecords(sampleBatch(2, 1));
  spool.recordsSent(1);
  spool.recordsSent(2);
  spool.acknowledge(2);
  assert.equal(spool.intervalCount, 1);
  spool.unsendRecords();
  assert.equal(spool.nextRecords()?.batch, 2, "batch 1 went before report 2, so it arrived");
});
