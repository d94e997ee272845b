import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { LoadError } from "../../../shared/errors.ts";
import {
  decodeIntervalReport,
  decodeRecordBatch,
  decodeReportDown,
  decodeReportUp,
  encodeIntervalReport,
  encodeRecordBatch,
  encodeReportDown,
  encodeReportUp,
  frameInterval,
} from "../../../shared/wire/report-codec.ts";
import { sampleBatch, sampleReport } from "../../support/sample-report.ts";
import { batchArbitrary, plain, reportArbitrary } from "./report-arbitrary.ts";

test("an interval report comes back from the wire as it was, alone and framed", () => {
  fc.assert(
    fc.property(reportArbitrary, (report) => {
      const bytes = encodeIntervalReport(report);
      assert.deepEqual(decodeIntervalReport(bytes), report);
      const came = decodeReportUp(encodeReportUp({ kind: "interval", report }));
      assert.ok(came.kind === "interval");
      assert.deepEqual(came.report, report);
      // What is written down is what was decoded, however the message was put together.
      assert.deepEqual(Buffer.from(came.bytes), Buffer.from(bytes));
      const twice = Buffer.concat([frameInterval(bytes), frameInterval(new Uint8Array())]);
      const merged = decodeReportUp(twice);
      assert.ok(merged.kind === "interval");
      assert.deepEqual(decodeIntervalReport(merged.bytes), merged.report);
      assert.deepEqual(frameInterval(bytes), encodeReportUp({ kind: "interval", report }));
    }),
    { numRuns: 60 },
  );
});

test("a batch of records comes back from the wire as it was", () => {
  fc.assert(
    fc.property(batchArbitrary, (batch) => {
      assert.deepEqual(decodeRecordBatch(encodeRecordBatch(batch)), batch);
      assert.deepEqual(decodeReportUp(encodeReportUp({ kind: "records", batch })), {
        kind: "records",
        batch,
      });
    }),
    { numRuns: 100 },
  );
});

test("acknowledgements and refusals come back from the wire as they were", () => {
  const text = fc.string({ minLength: 1, maxLength: 100 });
  const count = fc.maxSafeNat();
  const down = fc.oneof(
    plain({
      kind: fc.constant("ack" as const),
      ack: plain({ agentId: text, epoch: count, sequence: count }),
    }),
    plain({
      kind: fc.constant("refusal" as const),
      refusal: plain({ code: text, message: text, hint: text }),
    }),
  );
  fc.assert(
    fc.property(down, (value) => {
      assert.deepEqual(decodeReportDown(encodeReportDown(value)), value);
    }),
  );
});

/** What a decoder may do with any bytes: give a value, or throw this one error. */
function decodesOrRefuses(decode: (bytes: Uint8Array) => unknown, bytes: Uint8Array): void {
  try {
    decode(bytes);
  } catch (error) {
    assert.ok(error instanceof LoadError, `threw ${String(error)}`);
    assert.equal(error.code, "LL_REPORT_MALFORMED");
  }
}

const decoders = [decodeReportUp, decodeReportDown, decodeIntervalReport, decodeRecordBatch];

test("any bytes at all are decoded or refused by name", () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 300 }), (bytes) => {
      for (const decode of decoders) decodesOrRefuses(decode, bytes);
    }),
    { numRuns: 500 },
  );
});

test("a message with bytes changed, cut out or put in is decoded or refused by name", () => {
  const seeds = [
    encodeReportUp({ kind: "interval", report: sampleReport(3) }),
    encodeReportUp({ kind: "records", batch: sampleBatch(1, 5) }),
    encodeReportDown({ kind: "ack", ack: { agentId: "a", epoch: 1, sequence: 2 } }),
  ];
  const edit = fc.record({
    at: fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true }),
    remove: fc.nat(3),
    insert: fc.array(fc.oneof(fc.nat(255), fc.constantFrom(0, 0x7f, 0x80, 0xff)), { maxLength: 9 }),
  });
  fc.assert(
    fc.property(
      fc.constantFrom(...seeds),
      fc.array(edit, { minLength: 1, maxLength: 4 }),
      (seed, edits) => {
        const bytes = [...seed];
        for (const { at, remove, insert } of edits) {
          bytes.splice(Math.floor(at * bytes.length), remove, ...insert);
        }
        for (const decode of decoders) decodesOrRefuses(decode, Uint8Array.from(bytes));
      },
    ),
    { numRuns: 1_500 },
  );
});
