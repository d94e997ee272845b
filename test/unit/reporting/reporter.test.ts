import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import type { SealedInterval } from "../../../agent/reporting/reporter.ts";
import { Reporter } from "../../../agent/reporting/reporter.ts";
import { sampleRecord, sampleReport } from "../../support/sample-report.ts";
import { SimClock } from "../../support/sim-clock.ts";
import type { Weather } from "./lossy-link.ts";
import { LossyLink } from "./lossy-link.ts";

const MS = 1_000_000;
const SECOND = 1_000 * MS;

/** A sample without its key; the reporter must put its own. */
function sealed(ordinal: number): SealedInterval {
  return sampleReport(ordinal, { runId: "", agentId: "", epoch: 0, sequence: 0 });
}

/** Uniform draws that a seed repeats (mulberry32). */
function uniform(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

function start(options: { weather?: Weather; spoolBytesMax?: number } = {}): {
  clock: SimClock;
  link: LossyLink;
  reporter: Reporter;
} {
  const clock = new SimClock();
  const link = new LossyLink(clock, options.weather);
  const reporter = new Reporter({
    runId: "run-1",
    agentId: "agent-1",
    epoch: 7,
    clock,
    link,
    address: { url: "first:1", certificateFingerprint: "" },
    ...(options.spoolBytesMax === undefined ? {} : { spoolBytesMax: options.spoolBytesMax }),
  });
  return { clock, link, reporter };
}

/** Whether a flush has resolved by now. */
function watch(flush: Promise<void>): () => boolean {
  let done = false;
  void flush.then(() => {
    done = true;
  });
  return () => done;
}

test("reports arrive whole, numbered from 1, and leave the spool when acknowledged", async () => {
  const { clock, link, reporter } = start();
  for (let ordinal = 1; ordinal <= 3; ordinal += 1) reporter.addInterval(sealed(ordinal));
  assert.equal(reporter.spooledReports, 3);
  const flushed = watch(reporter.flush());
  await clock.advance(13 * MS);
  assert.equal(flushed(), false, "sent, but not acknowledged");
  await clock.advance(10 * MS);
  assert.equal(flushed(), true);
  assert.equal(reporter.spooledReports, 0);
  assert.deepEqual(link.kept, [sampleReport(1), sampleReport(2), sampleReport(3)]);
});

test("however the network loses, doubles, breaks and fills up, every report is kept once, in order", async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.record({
        seed: fc.nat(),
        lossRate: fc.double({ min: 0, max: 0.4, noNaN: true }),
        duplicateRate: fc.double({ min: 0, max: 0.5, noNaN: true }),
        breakRate: fc.double({ min: 0, max: 0.3, noNaN: true }),
        fullRate: fc.double({ min: 0, max: 0.4, noNaN: true }),
        reports: fc.integer({ min: 1, max: 30 }),
      }),
      async ({ seed, reports, ...rates }) => {
        const { clock, link, reporter } = start({ weather: { draw: uniform(seed), ...rates } });
        for (let ordinal = 1; ordinal <= reports; ordinal += 1) {
          reporter.addInterval(sealed(ordinal));
          clock.advanceBy(100 * MS);
        }
        const flushed = watch(reporter.flush());
        await clock.runUntil(flushed, 3_600 * SECOND);
        assert.deepEqual(
          link.kept.map((report) => report.sequence),
          Array.from({ length: reports }, (_, ordinal) => ordinal + 1),
        );
        assert.equal(reporter.spooledReports, 0);
        assert.equal(reporter.reportsLost, 0);
        await reporter.close();
        clock.advanceBy(60 * SECOND);
        assert.equal(clock.pendingCalls(), 0, "a closed reporter leaves no call behind");
      },
    ),
    { numRuns: 60 },
  );
});

test("after a break the first report that was not acknowledged is sent first", () => {
  const { clock, link, reporter } = start();
  clock.advanceBy(10 * MS);
  reporter.addInterval(sealed(1));
  clock.advanceBy(10 * MS);
  link.acknowledges = false;
  reporter.addInterval(sealed(2));
  reporter.addInterval(sealed(3));
  clock.advanceBy(3 * MS);
  assert.deepEqual(link.arrivals, ["1", "2", "3"]);
  link.acknowledges = true;
  link.current.break();
  reporter.addInterval(sealed(4));
  clock.advanceBy(20 * MS);
  assert.deepEqual(link.arrivals, ["1", "2", "3", "2", "3", "4"]);
  assert.equal(reporter.spooledReports, 0);
});

test("a report without news for 5 s is sent again on the same stream, and no sooner", () => {
  const { clock, link, reporter } = start();
  clock.advanceBy(10 * MS);
  link.acknowledges = false;
  reporter.addInterval(sealed(1));
  clock.advanceBy(4_990 * MS);
  assert.deepEqual(link.arrivals, ["1"]);
  link.acknowledges = true;
  clock.advanceBy(20 * MS);
  assert.deepEqual(link.arrivals, ["1", "1"]);
  assert.equal(reporter.spooledReports, 0);
});

test("records go only when no report waits", () => {
  const { clock, link, reporter } = start();
  clock.advanceBy(10 * MS);
  link.current.room = 2;
  for (let index = 0; index < 3; index += 1) reporter.addRecord(1, sampleRecord(index));
  for (let ordinal = 1; ordinal <= 4; ordinal += 1) reporter.addInterval(sealed(ordinal));
  clock.advanceBy(10 * MS);
  // The batch was ended by the first report, and had room behind it; it is the rest that waits.
  assert.deepEqual(link.arrivals, ["1", "records 1"]);
  for (let index = 3; index < 6; index += 1) reporter.addRecord(1, sampleRecord(index));
  reporter.addInterval(sealed(5));
  link.current.room = Infinity;
  link.current.events.onOpen();
  clock.advanceBy(10 * MS);
  assert.deepEqual(link.arrivals, ["1", "records 1", "2", "3", "4", "5", "records 2"]);
  assert.deepEqual(
    link.records[1]?.records.map((record) => record.index),
    [3, 4, 5],
  );
});

test("a batch has records of one segment, and no more than its bound", () => {
  const { clock, link, reporter } = start();
  clock.advanceBy(10 * MS);
  for (let index = 0; index < 100; index += 1) reporter.addRecord(1, sampleRecord(index));
  for (let index = 0; index < 2; index += 1) reporter.addRecord(2, sampleRecord(index));
  void reporter.flush();
  clock.advanceBy(10 * MS);
  assert.deepEqual(
    link.records.map(({ batch, segment, records }) => [batch, segment, records.length]),
    [
      [1, 1, 64],
      [2, 1, 36],
      [3, 2, 2],
    ],
  );
});

test("records that no later report confirmed are sent again after a break", () => {
  const { clock, link, reporter } = start();
  clock.advanceBy(10 * MS);
  reporter.addRecord(1, sampleRecord(0));
  reporter.addInterval(sealed(1));
  clock.advanceBy(10 * MS);
  reporter.addInterval(sealed(2));
  clock.advanceBy(10 * MS);
  reporter.addRecord(1, sampleRecord(1));
  void reporter.flush();
  clock.advanceBy(10 * MS);
  link.current.break();
  clock.advanceBy(20 * MS);
  assert.deepEqual(link.arrivals, ["1", "records 1", "2", "records 2", "records 2"]);
});

test("another incarnation of the coordinator gets what the first did not acknowledge, and only it is heard", async () => {
  const { clock, link, reporter } = start();
  clock.advanceBy(10 * MS);
  link.acknowledges = false;
  reporter.addInterval(sealed(1));
  reporter.addInterval(sealed(2));
  clock.advanceBy(10 * MS);
  const old = link.current;
  old.events.onRefusal({ code: "LL_RUN_OVER", message: "", hint: "" });
  assert.equal(reporter.refusal?.code, "LL_RUN_OVER");

  link.acknowledges = true;
  reporter.attach({ url: "second:2", certificateFingerprint: "" });
  assert.equal(reporter.refusal, undefined);
  assert.deepEqual(link.addresses, ["first:1", "second:2"]);
  assert.equal(old.isClosed, true);
  old.events.onAck(7, 2);
  assert.equal(reporter.spooledReports, 2, "a late word of the old stream counts for nothing");
  reporter.addInterval(sealed(3));
  const flushed = watch(reporter.flush());
  await clock.advance(30 * MS);
  assert.deepEqual(link.arrivals, ["1", "2", "1", "2", "3"]);
  assert.equal(flushed(), true);
});

test("acknowledgements of another epoch, or of reports never sent, count for nothing", () => {
  const { clock, link, reporter } = start();
  clock.advanceBy(10 * MS);
  link.acknowledges = false;
  reporter.addInterval(sealed(1));
  link.current.events.onAck(6, 1);
  link.current.events.onAck(7, 99);
  assert.equal(reporter.spooledReports, 1);
});

test("a flush resolves when the coordinator refuses, and when the reporter is closed", async () => {
  const refused = start();
  refused.reporter.addInterval(sealed(1));
  const flushed = watch(refused.reporter.flush());
  await refused.clock.advance(1 * MS);
  assert.equal(flushed(), false);
  refused.link.current.events.onRefusal({ code: "LL_X", message: "", hint: "" });
  await refused.clock.advance(1 * MS);
  assert.equal(flushed(), true);

  const closed = start();
  closed.reporter.addInterval(sealed(1));
  const flushedToo = watch(closed.reporter.flush());
  await closed.reporter.close();
  await closed.clock.advance(1 * MS);
  assert.equal(flushedToo(), true);
});

test("a coordinator that stays away costs no more than the spool, and what is lost is named", () => {
  const { clock, link, reporter } = start({ spoolBytesMax: 3_000 });
  for (let ordinal = 1; ordinal <= 50; ordinal += 1) reporter.addInterval(sealed(ordinal));
  assert.ok(reporter.reportsLost > 30);
  assert.equal(reporter.spooledReports + reporter.reportsLost, 50);
  assert.deepEqual(reporter.lost, [{ fromSequence: 1, toSequence: reporter.reportsLost }]);
  clock.advanceBy(11 * MS);
  assert.equal(link.current.isOpen, true);
  clock.advanceBy(10 * MS);
  assert.equal(link.arrivals[0], String(reporter.reportsLost + 1));
  assert.equal(link.arrivals.at(-1), "50");
});

test("a link that opens at once, while it is being asked, is served too", () => {
  const clock = new SimClock();
  const sent: number[] = [];
  const reporter = new Reporter({
    runId: "run-1",
    agentId: "agent-1",
    epoch: 7,
    clock,
    address: { url: "first:1", certificateFingerprint: "" },
    link: {
      open(_address, _agentId, events) {
        events.onOpen();
        return {
          sendInterval: (report) => {
            sent.push(report.sequence);
            return true;
          },
          sendRecords: () => true,
          close: () => Promise.resolve(),
        };
      },
    },
  });
  reporter.addInterval(sealed(1));
  reporter.attach({ url: "second:2", certificateFingerprint: "" });
  assert.deepEqual(sent, [1, 1]);
});
