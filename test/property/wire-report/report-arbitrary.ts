import fc from "fast-check";
import type { Counters } from "../../../shared/measurement/counters.ts";
import { Histogram } from "../../../shared/measurement/histogram.ts";
import type { Interval } from "../../../shared/measurement/interval.ts";
import { METRICS, unitsPerTick } from "../../../shared/measurement/metric.ts";
import { OUTCOMES } from "../../../shared/measurement/outcome.ts";
import type {
  ArrivalRun,
  IntervalReport,
  RecordBatch,
  RequestRecord,
} from "../../../shared/measurement/report.ts";

/** Objects with the usual prototype, as a decoder makes them. */
export function plain<Model>(
  model: { [Key in keyof Model]: fc.Arbitrary<Model[Key]> },
): fc.Arbitrary<Model> {
  return fc.record(model, { noNullPrototype: true });
}

const count = fc.oneof(fc.nat(1_000), fc.maxSafeNat());
const instant = fc.maxSafeInteger();
const uint32 = fc.oneof(fc.nat(100), fc.nat(0xffff_ffff));
const amount = fc.double({ min: 0, max: 1e12, noNaN: true }).map((value) => value + 0);
const name = fc.string({ minLength: 1, maxLength: 20, unit: "grapheme" });

const counters: fc.Arbitrary<Counters> = plain({
  scheduled: count,
  fired: count,
  droppedInFlightBound: count,
  droppedSocket: count,
  droppedPolicy: count,
  notOfferedSuperseded: count,
  notOfferedAborted: count,
  ok: count,
  httpErrors: fc
    .uniqueArray(fc.tuple(fc.integer({ min: 100, max: 999 }), count), {
      maxLength: 4,
      selector: ([status]) => status,
    })
    .map((entries) => new Map(entries)),
  connectErrors: count,
  streamErrors: count,
  timeouts: count,
  censored: count,
});

/** Values up to far above what a histogram tracks, so that some overflow. */
function histogram(units: number): fc.Arbitrary<Histogram> {
  const value = fc.oneof(fc.nat(10_000), fc.nat(4_000_000_000));
  return fc.array(value, { maxLength: 20 }).map((ticks) => {
    const filled = new Histogram(units);
    for (const tick of ticks) filled.record(tick * units);
    return filled;
  });
}

const histograms = fc
  .subarray([...METRICS])
  .chain((metrics) => fc.tuple(...metrics.map((metric) => histogram(unitsPerTick(metric)))))
  .chain((filled) =>
    fc
      .shuffledSubarray([...METRICS], { minLength: 0 })
      .map((metrics) => ({ filled, metrics: metrics.slice(0, filled.length) })),
  )
  .map(({ filled, metrics }) => {
    const byTicks = metrics.flatMap((metric, position) => {
      const each = filled[position];
      return each !== undefined && each.unitsPerTick === unitsPerTick(metric)
        ? [[metric, each] as const]
        : [];
    });
    return new Map(byTicks);
  });

const interval: fc.Arbitrary<Interval> = plain({
  segment: uint32,
  fromNs: fc.nat(1_000_000_000_000),
  lengthNs: fc.nat(2_000_000_000),
  recorded: fc.boolean(),
  counters,
  classes: fc
    .uniqueArray(fc.tuple(name, histograms), { maxLength: 3, selector: ([each]) => each })
    .map((entries) => new Map(entries)),
  clauses: fc.array(plain({ total: count, over: fc.array(count, { maxLength: 12 }) }), {
    maxLength: 4,
  }),
  exceedances: fc.array(
    plain({ index: count, intendedAtNs: instant, clause: fc.nat(7), level: fc.nat(31) }),
    { maxLength: 10 },
  ),
  exceedancesCut: count,
  activity: plain({
    sent: count,
    firstTokens: count,
    completed: count,
    completedOk: count,
    outputTokens: count,
    inputTokens: count,
    contentEvents: count,
    bytesRead: count,
    inFlightIntegralS: amount,
    waitingIntegralS: amount,
    inFlightMax: uint32,
    inFlightEnd: uint32,
    waitingEnd: uint32,
    ownConnectErrors: count,
    lengthsOff: count,
  }),
}).map(({ lengthNs, ...rest }) => ({ ...rest, toNs: rest.fromNs + lengthNs }));

const run: fc.Arbitrary<ArrivalRun> = fc
  .tuple(uint32, fc.nat(1_000_000), fc.integer({ min: 1, max: 1_000 }), fc.nat(1_000_000))
  .map(([segment, from, counted, between]) => ({
    segment,
    from,
    to: from + counted + between,
    count: counted,
  }));

export const reportArbitrary: fc.Arbitrary<IntervalReport> = plain({
  runId: name,
  agentId: name,
  epoch: count,
  sequence: count.map((value) => Math.max(1, value)),
  sealedUntilNs: instant,
  deltas: fc.array(interval, { maxLength: 3 }),
  totals: counters,
  open: count,
  health: plain({
    fromNs: instant,
    toNs: instant,
    eventLoopDelay: histogram(1_000),
    eventLoopUtilisation: amount,
    cpuSeconds: amount,
    gcPauseSeconds: amount,
    gcPauses: uint32,
    rssBytes: count,
    throttledNs: count,
    spooledReports: uint32,
    reportsLost: count,
    socketsOpen: uint32,
  }),
  drained: fc.boolean(),
  firingSegment: uint32,
  heldBack: fc.array(run, { maxLength: 3 }),
});

const time = fc.oneof(fc.constant(-1), fc.nat(1_000_000), fc.maxSafeNat());

const record: fc.Arbitrary<RequestRecord> = plain({
  index: count,
  classIndex: uint32,
  intendedAtUs: instant,
  sendDelayUs: time,
  ttftUs: time,
  gapMeanUs: time,
  gapMaxUs: time,
  e2eUs: time,
  durationUs: time,
  outputTokens: uint32,
  inputTokens: uint32,
  contentEvents: uint32,
  outcome: fc.constantFrom(...OUTCOMES),
  status: uint32,
});

export const batchArbitrary: fc.Arbitrary<RecordBatch> = plain({
  runId: name,
  agentId: name,
  epoch: count,
  batch: count,
  segment: uint32,
  records: fc.array(record, { maxLength: 50 }),
  lostBefore: count,
});
