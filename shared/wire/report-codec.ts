import type { MessageInitShape } from "@bufbuild/protobuf";
import { create, toBinary } from "@bufbuild/protobuf";
import { BinaryReader, BinaryWriter, WireType } from "@bufbuild/protobuf/wire";
import type { Refusal } from "../control/control.ts";
import type { ArrivalRun, Health, IntervalReport, RecordBatch } from "../measurement/report.ts";
import { NS_PER_US } from "../units.ts";
import type {
  ArrivalRun as ArrivalRunMessage,
  Health as HealthMessage,
  HealthSchema,
  IntervalReport as IntervalReportMessage,
} from "./gen/loadline/v1/report_pb.ts";
import {
  IntervalReportSchema,
  RecordBatchSchema,
  ReportRequestSchema,
  ReportResponseSchema,
} from "./gen/loadline/v1/report_pb.ts";
import {
  amountOf,
  bounded,
  countOf,
  decodeBounded,
  integerOf,
  malformed,
  nameOf,
  present,
  REPORT_BYTES_MAX,
  textOf,
} from "./report-bounds.ts";
import { intervalFromMessage, intervalToMessage } from "./report-interval.ts";
import {
  countersFromMessage,
  countersToMessage,
  histogramFromMessage,
  histogramToMessage,
  notBelowZero,
} from "./report-parts.ts";
import { recordBatchFromMessage, recordBatchToMessage } from "./report-records.ts";

/** Most intervals that one report changes: over an hour of intervals of a second. */
const DELTAS_MAX = 4_096;

/** Most runs of arrivals that one report names: a lease lapses and comes back within seconds, not within ms. */
const RUNS_MAX = 4_096;

const EVENT_LOOP_DELAY = "event_loop_delay";

/** What an agent says on its report stream. */
export type ReportUp =
  | { readonly kind: "interval"; readonly report: IntervalReport }
  | { readonly kind: "records"; readonly batch: RecordBatch };

/** Everything of (agent, epoch) up to and with `sequence` is on the coordinator's disk. */
export interface Ack {
  readonly agentId: string;
  readonly epoch: number;
  readonly sequence: number;
}

/** What the coordinator answers on it. */
export type ReportDown =
  | { readonly kind: "ack"; readonly ack: Ack }
  | { readonly kind: "refusal"; readonly refusal: Refusal };

/** A report as it is kept in a spool and in `intervals.bin`. */
export function encodeIntervalReport(report: IntervalReport): Uint8Array {
  return toBinary(IntervalReportSchema, create(IntervalReportSchema, reportToMessage(report)));
}

/**
 * Checks everything before it is used: bounds of every list, integers that doubles hold, known metrics and
 * outcomes, histograms. What the numbers say of each other (conservation, shares) is the merge's to judge.
 *
 * @throws LoadError LL_REPORT_MALFORMED, whatever the bytes.
 */
export function decodeIntervalReport(bytes: Uint8Array): IntervalReport {
  return reportFromMessage(decodeBounded(IntervalReportSchema, bytes));
}

export function encodeRecordBatch(batch: RecordBatch): Uint8Array {
  return toBinary(RecordBatchSchema, create(RecordBatchSchema, recordBatchToMessage(batch)));
}

/** @throws LoadError LL_REPORT_MALFORMED, whatever the bytes. */
export function decodeRecordBatch(bytes: Uint8Array): RecordBatch {
  return recordBatchFromMessage(decodeBounded(RecordBatchSchema, bytes));
}

export function encodeReportUp(up: ReportUp): Uint8Array {
  const message =
    up.kind === "interval"
      ? ({ case: "interval", value: reportToMessage(up.report) } as const)
      : ({ case: "records", value: recordBatchToMessage(up.batch) } as const);
  return toBinary(ReportRequestSchema, create(ReportRequestSchema, { message }));
}

/** As `encodeReportUp` of a report that `encodeIntervalReport` made bytes of: it is encoded once, however often sent. */
export function frameInterval(report: Uint8Array): Uint8Array {
  const { number } = ReportRequestSchema.field.interval;
  return new BinaryWriter().tag(number, WireType.LengthDelimited).bytes(report).finish();
}

/** What came on a report stream; of a report also its bytes, as `encodeIntervalReport` makes them. */
export type ReportCame =
  | { readonly kind: "interval"; readonly report: IntervalReport; readonly bytes: Uint8Array }
  | Extract<ReportUp, { kind: "records" }>;

/** @throws LoadError LL_REPORT_MALFORMED, whatever the bytes. */
export function decodeReportUp(bytes: Uint8Array): ReportCame {
  const framed = framedInterval(bytes);
  if (framed !== undefined)
    return { kind: "interval", report: decodeIntervalReport(framed), bytes: framed };
  const { message } = decodeBounded(ReportRequestSchema, bytes);
  if (message.case === "interval") {
    const report = reportFromMessage(message.value);
    return { kind: "interval", report, bytes: encodeIntervalReport(report) };
  }
  if (message.case === "records") {
    return { kind: "records", batch: recordBatchFromMessage(message.value) };
  }
  throw malformed("it is neither an interval report nor a batch of records");
}

/** The report of a message that is one and nothing else, as `frameInterval` makes it: every one that an agent sends. */
function framedInterval(bytes: Uint8Array): Uint8Array | undefined {
  if (bytes.length > REPORT_BYTES_MAX) return undefined;
  try {
    const reader = new BinaryReader(bytes);
    const [field, wireType] = reader.tag();
    const isInterval = field === ReportRequestSchema.field.interval.number;
    if (!isInterval || wireType !== WireType.LengthDelimited) return undefined;
    const report = reader.bytes();
    return reader.pos === bytes.length ? report : undefined;
  } catch {
    // What is wrong with it is said by the decoder of the whole message.
    return undefined;
  }
}

export function encodeReportDown(down: ReportDown): Uint8Array {
  const message =
    down.kind === "ack"
      ? ({
          case: "ack",
          value: {
            agentId: down.ack.agentId,
            epoch: BigInt(down.ack.epoch),
            sequence: BigInt(down.ack.sequence),
          },
        } as const)
      : ({ case: "refusal", value: down.refusal } as const);
  return toBinary(ReportResponseSchema, create(ReportResponseSchema, { message }));
}

/** @throws LoadError LL_REPORT_MALFORMED, whatever the bytes. */
export function decodeReportDown(bytes: Uint8Array): ReportDown {
  const { message } = decodeBounded(ReportResponseSchema, bytes);
  if (message.case === "ack") {
    return {
      kind: "ack",
      ack: {
        agentId: nameOf(message.value.agentId, "agent_id"),
        epoch: countOf(message.value.epoch, "epoch"),
        sequence: countOf(message.value.sequence, "sequence"),
      },
    };
  }
  if (message.case === "refusal") {
    return {
      kind: "refusal",
      refusal: {
        code: nameOf(message.value.code, "code"),
        message: textOf(message.value.message, "message"),
        hint: textOf(message.value.hint, "hint"),
      },
    };
  }
  throw malformed("it is neither an acknowledgement nor a refusal");
}

function reportToMessage(report: IntervalReport): MessageInitShape<typeof IntervalReportSchema> {
  return {
    runId: report.runId,
    agentId: report.agentId,
    epoch: BigInt(report.epoch),
    sequence: BigInt(report.sequence),
    sealedUntilNs: BigInt(Math.round(report.sealedUntilNs)),
    deltas: report.deltas.map(intervalToMessage),
    totals: countersToMessage(report.totals),
    health: healthToMessage(report.health),
    open: BigInt(report.open),
    drained: report.drained,
    firingSegment: report.firingSegment,
    heldBack: report.heldBack.map(({ segment, from, to, count }) => ({
      segment,
      from: BigInt(from),
      to: BigInt(to),
      count: BigInt(count),
    })),
  };
}

function reportFromMessage(message: IntervalReportMessage): IntervalReport {
  const sequence = countOf(message.sequence, "sequence");
  if (sequence === 0) throw malformed("sequence is 0; it counts from 1");
  return {
    runId: nameOf(message.runId, "run_id"),
    agentId: nameOf(message.agentId, "agent_id"),
    epoch: countOf(message.epoch, "epoch"),
    sequence,
    sealedUntilNs: integerOf(message.sealedUntilNs, "sealed_until_ns"),
    deltas: bounded(message.deltas, DELTAS_MAX, "deltas").map(intervalFromMessage),
    totals: countersFromMessage(present(message.totals, "totals")),
    health: healthFromMessage(present(message.health, "health")),
    open: countOf(message.open, "open"),
    drained: message.drained,
    firingSegment: message.firingSegment,
    heldBack: bounded(message.heldBack, RUNS_MAX, "held_back").map(runFromMessage),
  };
}

function runFromMessage({ segment, from, to, count }: ArrivalRunMessage): ArrivalRun {
  const run = {
    segment,
    from: countOf(from, "from"),
    to: countOf(to, "to"),
    count: countOf(count, "count"),
  };
  if (run.count < 1 || run.count > run.to - run.from)
    throw malformed(`a run of ${run.count} arrivals reaches from ${run.from} to ${run.to}`);
  return run;
}

function healthToMessage(health: Health): MessageInitShape<typeof HealthSchema> {
  return {
    fromNs: BigInt(Math.round(health.fromNs)),
    toNs: BigInt(Math.round(health.toNs)),
    eventLoopDelay: histogramToMessage(EVENT_LOOP_DELAY, health.eventLoopDelay),
    eventLoopUtilisation: notBelowZero(health.eventLoopUtilisation),
    cpuSeconds: notBelowZero(health.cpuSeconds),
    gcPauseSeconds: notBelowZero(health.gcPauseSeconds),
    gcPauses: health.gcPauses,
    rssBytes: BigInt(Math.round(health.rssBytes)),
    throttledNs: BigInt(Math.round(health.throttledNs)),
    spooledReports: health.spooledReports,
    reportsLost: BigInt(health.reportsLost),
    socketsOpen: health.socketsOpen,
  };
}

function healthFromMessage(message: HealthMessage): Health {
  const eventLoopDelay = present(message.eventLoopDelay, "event_loop_delay");
  if (eventLoopDelay.metric !== EVENT_LOOP_DELAY)
    throw malformed("event_loop_delay has another name");
  return {
    fromNs: integerOf(message.fromNs, "from_ns"),
    toNs: integerOf(message.toNs, "to_ns"),
    eventLoopDelay: histogramFromMessage(eventLoopDelay, NS_PER_US),
    eventLoopUtilisation: amountOf(message.eventLoopUtilisation, "event_loop_utilisation"),
    cpuSeconds: amountOf(message.cpuSeconds, "cpu_seconds"),
    gcPauseSeconds: amountOf(message.gcPauseSeconds, "gc_pause_seconds"),
    gcPauses: message.gcPauses,
    rssBytes: countOf(message.rssBytes, "rss_bytes"),
    throttledNs: countOf(message.throttledNs, "throttled_ns"),
    spooledReports: message.spooledReports,
    reportsLost: countOf(message.reportsLost, "reports_lost"),
    socketsOpen: message.socketsOpen,
  };
}
