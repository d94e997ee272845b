import type { Counters } from "../../shared/measurement/counters.ts";
import { Histogram } from "../../shared/measurement/histogram.ts";
import { ZERO_ACTIVITY } from "../../shared/measurement/interval.ts";
import type {
  IntervalReport,
  RecordBatch,
  RequestRecord,
} from "../../shared/measurement/report.ts";

export const NO_COUNTERS: Counters = {
  scheduled: 0,
  fired: 0,
  droppedInFlightBound: 0,
  droppedSocket: 0,
  droppedPolicy: 0,
  notOfferedSuperseded: 0,
  notOfferedAborted: 0,
  ok: 0,
  httpErrors: new Map(),
  connectErrors: 0,
  streamErrors: 0,
  timeouts: 0,
  censored: 0,
};

/** A small report, complete in every part: `sequence` requests were fired so far, one of them in its interval. */
export function sampleReport(
  sequence: number,
  changes: Partial<IntervalReport> = {},
): IntervalReport {
  const ttft = new Histogram(1_000);
  ttft.record(1_000 * (sequence + 1));
  const counters = { ...NO_COUNTERS, scheduled: 1, fired: 1, ok: 1 };
  return {
    runId: "run-1",
    agentId: "agent-1",
    epoch: 7,
    sequence,
    sealedUntilNs: sequence * 1e9,
    deltas: [
      {
        segment: 1,
        fromNs: (sequence - 1) * 1e9,
        toNs: sequence * 1e9,
        recorded: true,
        counters,
        classes: new Map([["default", new Map([["ttft", ttft]])]]),
        clauses: [{ total: 1, over: [1, 0] }],
        exceedances: [{ index: sequence, intendedAtNs: sequence * 1e9 - 5, clause: 0, level: 0 }],
        exceedancesCut: 0,
        activity: { ...ZERO_ACTIVITY, sent: 1, completed: 1 },
      },
    ],
    totals: { ...NO_COUNTERS, scheduled: sequence, fired: sequence, ok: sequence },
    open: 0,
    health: {
      fromNs: (sequence - 1) * 1e9,
      toNs: sequence * 1e9,
      eventLoopDelay: new Histogram(1_000),
      eventLoopUtilisation: 0.25,
      cpuSeconds: 0.125,
      gcPauseSeconds: 0,
      gcPauses: 0,
      rssBytes: 64e6,
      throttledNs: 0,
      spooledReports: 0,
      reportsLost: 0,
      socketsOpen: 3,
    },
    drained: false,
    firingSegment: 1,
    heldBack: [],
    ...changes,
  };
}

/** Reports of one agent about these seconds of a run, in their order; nothing in them is open. */
export function reportsOf(
  agentId: string,
  seconds: readonly number[],
  changes: Partial<IntervalReport> = {},
): readonly IntervalReport[] {
  return seconds.map((second, place) => ({
    ...sampleReport(second),
    ...{ agentId, sequence: place + 1 },
    totals: { ...NO_COUNTERS, scheduled: place + 1, fired: place + 1, ok: place + 1 },
    ...changes,
  }));
}

export function sampleRecord(index: number): RequestRecord {
  return {
    index,
    classIndex: 0,
    intendedAtUs: index * 10_000,
    sendDelayUs: 21,
    ttftUs: 20_500,
    gapMeanUs: 10_250,
    gapMaxUs: 30_000,
    e2eUs: 200_000,
    durationUs: 201_000,
    outputTokens: 18,
    inputTokens: 128,
    contentEvents: 18,
    outcome: "ok",
    status: 200,
  };
}

export function sampleBatch(batch: number, records: number): RecordBatch {
  return {
    runId: "run-1",
    agentId: "agent-1",
    epoch: 7,
    batch,
    segment: 1,
    records: Array.from({ length: records }, (_, row) => sampleRecord(batch * records + row)),
    lostBefore: 0,
  };
}
