import assert from "node:assert/strict";
import { test } from "node:test";
import { BinaryWriter, WireType } from "@bufbuild/protobuf/wire";
import { LoadError } from "../../../shared/errors.ts";
import type { IntervalReport } from "../../../shared/measurement/report.ts";
import { REPORT_BYTES_MAX } from "../../../shared/wire/report-bounds.ts";
import {
  decodeIntervalReport,
  decodeRecordBatch,
  decodeReportUp,
  encodeIntervalReport,
  encodeRecordBatch,
} from "../../../shared/wire/report-codec.ts";
import { RECORDS_MAX } from "../../../shared/wire/report-records.ts";
import { NO_COUNTERS, sampleBatch, sampleReport } from "../../support/sample-report.ts";

function refused(decode: () => unknown, says: RegExp): void {
  assert.throws(decode, (error) => {
    assert.ok(error instanceof LoadError);
    assert.equal(error.code, "LL_REPORT_MALFORMED");
    assert.match(error.message, says);
    return true;
  });
}

/** Appended fields: of a list another entry, of anything else the value that counts. */
function followedBy(bytes: Uint8Array, append: (writer: BinaryWriter) => void): Uint8Array {
  const writer = new BinaryWriter();
  append(writer);
  return Buffer.concat([bytes, writer.finish()]);
}

test("each part of a report that cannot be is named", () => {
  const good = sampleReport(1);
  const delta = good.deltas[0]!;
  const withDelta = (changes: Partial<typeof delta>): IntervalReport => ({
    ...good,
    deltas: [{ ...delta, ...changes }],
  });
  const cases: [IntervalReport, RegExp][] = [
    [{ ...good, runId: "" }, /run_id has 0 characters/],
    [{ ...good, agentId: "x".repeat(257) }, /agent_id has 257 characters/],
    [{ ...good, sequence: 0 }, /sequence is 0/],
    [{ ...good, open: 2 ** 53 }, /open = 9007199254740992/],
    [{ ...good, sealedUntilNs: -(2 ** 60) }, /sealed_until_ns/],
    [{ ...good, health: { ...good.health, cpuSeconds: NaN } }, /cpu_seconds = NaN/],
    [{ ...good, health: { ...good.health, eventLoopUtilisation: Infinity } }, /utilisation/],
    [{ ...good, totals: { ...NO_COUNTERS, httpErrors: new Map([[7, 1]]) } }, /status 7/],
    [{ ...good, deltas: Array.from({ length: 4_097 }, () => delta) }, /deltas has 4097 entries/],
    [withDelta({ toNs: delta.fromNs - 1 }), /ends .* before it begins/],
    [withDelta({ clauses: [{ total: 1, over: new Array<number>(257).fill(0) }] }), /over has 257/],
    [
      withDelta({ exceedances: [{ index: 1, intendedAtNs: 0, clause: 64, level: 0 }] }),
      /level 0 of clause 64/,
    ],
  ];
  for (const [report, says] of cases) {
    refused(() => decodeIntervalReport(encodeIntervalReport(report)), says);
  }
  assert.deepEqual(decodeIntervalReport(encodeIntervalReport(good)), good);
});

test("an unknown metric, and a histogram of another geometry, are refused", () => {
  const bytes = encodeIntervalReport(sampleReport(1));
  const text = Buffer.from(bytes).toString("latin1");
  refused(
    () => decodeIntervalReport(Buffer.from(text.replace("ttft", "nope"), "latin1")),
    /metric that is not known/,
  );
  const cookie = "\x1c\x84\x93\x13";
  assert.ok(text.includes(cookie));
  refused(
    () => decodeIntervalReport(Buffer.from(text.replace(cookie, "\x1c\x84\x93\x12"), "latin1")),
    /histogram/,
  );
});

test("columns of records must be of one length, their outcomes known and their sums whole", () => {
  const bytes = encodeRecordBatch(sampleBatch(0, 3));
  assert.equal(decodeRecordBatch(bytes).records.length, 3);
  const cases: [(writer: BinaryWriter) => void, RegExp][] = [
    [(writer) => writer.tag(14, WireType.Varint).uint32(5), /column inputTokens has 4 rows/],
    [(writer) => writer.tag(6, WireType.Varint).sint64(1n), /column intendedAtUsDelta has 3 rows/],
  ];
  for (const [append, says] of cases) {
    refused(() => decodeRecordBatch(followedBy(bytes, append)), says);
  }
  const onlyRow = (index: bigint, outcome: number): Uint8Array => {
    const writer = new BinaryWriter();
    writer
      .tag(1, WireType.LengthDelimited)
      .string("run")
      .tag(2, WireType.LengthDelimited)
      .string("a");
    writer.tag(6, WireType.Varint).sint64(index);
    for (let column = 7; column <= 12; column += 1) writer.tag(column, WireType.Varint).sint64(0);
    for (let column = 13; column <= 18; column += 1) {
      writer.tag(column, WireType.Varint).uint32(column === 15 ? outcome : 0);
    }
    writer.tag(20, WireType.Varint).sint64(0);
    return writer.finish();
  };
  assert.equal(decodeRecordBatch(onlyRow(4n, 1)).records[0]?.outcome, "http_error");
  refused(() => decodeRecordBatch(onlyRow(4n, 99)), /outcome 99 is not known/);
  refused(() => decodeRecordBatch(onlyRow(-1n, 0)), /leads below 0/);
  refused(() => decodeRecordBatch(onlyRow(2n ** 60n, 0)), /index_delta/);
});

test("too many records, and a message that is too long, are refused", () => {
  const most = encodeRecordBatch(sampleBatch(0, RECORDS_MAX));
  assert.equal(decodeRecordBatch(most).records.length, RECORDS_MAX);
  const tooMany = encodeRecordBatch(sampleBatch(0, RECORDS_MAX + 1));
  refused(() => decodeRecordBatch(tooMany), /16385 records/);
  refused(() => decodeReportUp(new Uint8Array(REPORT_BYTES_MAX + 1)), /bytes, more than/);
});

test("a short message that asks for millions of objects is refused before any is built", () => {
  const emptyDelta = [0x32, 0]; // IntervalReport.deltas, an empty one.
  const bomb = Buffer.alloc(REPORT_BYTES_MAX, Buffer.from(emptyDelta));
  const before = process.memoryUsage().heapUsed;
  refused(() => decodeIntervalReport(bomb), /elements, more than/);
  const grown = process.memoryUsage().heapUsed - before;
  assert.ok(grown < 200e6, `decoding held ${grown} bytes`);
  const packed = new BinaryWriter().tag(6, WireType.LengthDelimited).bytes(new Uint8Array(1e6));
  refused(() => decodeRecordBatch(packed.finish()), /elements, more than/);
  const groups = Buffer.alloc(1_000_000, 0x0b); // A group in a group in a group …
  refused(() => decodeIntervalReport(groups), /not a protobuf message/);
});
