import type { MessageInitShape } from "@bufbuild/protobuf";
import { OUTCOMES } from "../measurement/outcome.ts";
import type { Outcome } from "../measurement/outcome.ts";
import type { RecordBatch, RequestRecord } from "../measurement/report.ts";
import type { RecordBatch as RecordBatchMessage } from "./gen/loadline/v1/report_pb.ts";
import type { RecordBatchSchema } from "./gen/loadline/v1/report_pb.ts";
import { countOf, integerOf, malformed, nameOf } from "./report-bounds.ts";

/** Most records in one batch. Agents send far fewer at once, so that a report never waits long behind one. */
export const RECORDS_MAX = 16_384;

/** Columns of one kind, by the name they have both in a record and in the message. */
const TIMES = ["sendDelayUs", "ttftUs", "gapMeanUs", "gapMaxUs", "e2eUs", "durationUs"] as const;
const NUMBERS = ["outputTokens", "inputTokens", "status", "classIndex", "contentEvents"] as const;

export function recordBatchToMessage(
  batch: RecordBatch,
): MessageInitShape<typeof RecordBatchSchema> {
  const { records } = batch;
  const times = Object.fromEntries(
    TIMES.map((name) => [name, records.map((record) => BigInt(Math.round(record[name])))]),
  );
  // A server that is silent about tokens is -1 to an endpoint; the column knows no sign.
  const numbers = Object.fromEntries(
    NUMBERS.map((name) => [name, records.map((record) => Math.max(0, record[name]))]),
  );
  return {
    runId: batch.runId,
    agentId: batch.agentId,
    epoch: BigInt(batch.epoch),
    batch: BigInt(batch.batch),
    segment: batch.segment,
    indexDelta: deltas(records.map((record) => record.index)),
    intendedAtUsDelta: deltas(records.map((record) => Math.round(record.intendedAtUs))),
    outcome: records.map((record) => OUTCOMES.indexOf(record.outcome)),
    lostBefore: BigInt(batch.lostBefore),
    ...times,
    ...numbers,
  };
}

/** @throws LoadError LL_REPORT_MALFORMED before a single record is built. */
export function recordBatchFromMessage(message: RecordBatchMessage): RecordBatch {
  const rows = message.indexDelta.length;
  if (rows > RECORDS_MAX) throw malformed(`it holds ${rows} records, more than ${RECORDS_MAX}`);
  requireEqualColumns(message, rows);
  const index = sums(message.indexDelta, "index_delta");
  const intendedAtUs = sums(message.intendedAtUsDelta, "intended_at_us_delta");
  const times = TIMES.map((name) => message[name].map((value) => timeOf(value, name)));
  const outcomes = message.outcome.map(outcomeOf);
  if (index.some((value) => value < 0)) throw malformed("index_delta leads below 0");

  const records: RequestRecord[] = [];
  for (let row = 0; row < rows; row += 1) {
    records.push({
      index: cell(index, row),
      classIndex: cell(message.classIndex, row),
      intendedAtUs: cell(intendedAtUs, row),
      sendDelayUs: cell(times[0], row),
      ttftUs: cell(times[1], row),
      gapMeanUs: cell(times[2], row),
      gapMaxUs: cell(times[3], row),
      e2eUs: cell(times[4], row),
      durationUs: cell(times[5], row),
      outputTokens: cell(message.outputTokens, row),
      inputTokens: cell(message.inputTokens, row),
      contentEvents: cell(message.contentEvents, row),
      outcome: cell(outcomes, row),
      status: cell(message.status, row),
    });
  }
  return {
    runId: nameOf(message.runId, "run_id"),
    agentId: nameOf(message.agentId, "agent_id"),
    epoch: countOf(message.epoch, "epoch"),
    batch: countOf(message.batch, "batch"),
    segment: message.segment,
    records,
    lostBefore: countOf(message.lostBefore, "lost_before"),
  };
}

function requireEqualColumns(message: RecordBatchMessage, rows: number): void {
  for (const name of ["intendedAtUsDelta", "outcome", ...TIMES, ...NUMBERS] as const) {
    const { length } = message[name];
    if (length !== rows) {
      throw malformed(`column ${name} has ${length} rows and column indexDelta ${rows}`);
    }
  }
}

/** Each value less the one before it; the first as it is. A difference may need more bits than a double has. */
function deltas(values: readonly number[]): bigint[] {
  let before = 0n;
  return values.map((number) => {
    const value = BigInt(number);
    const delta = value - before;
    before = value;
    return delta;
  });
}

function sums(column: readonly bigint[], field: string): number[] {
  let sum = 0n;
  return column.map((delta) => {
    sum += delta;
    return integerOf(sum, field);
  });
}

/** A duration, µs; -1 stands for none. */
function timeOf(value: bigint, field: string): number {
  const time = integerOf(value, field);
  if (time < -1) throw malformed(`${field} = ${time} is below -1`);
  return time;
}

function outcomeOf(code: number): Outcome {
  const outcome = OUTCOMES[code];
  if (outcome === undefined) throw malformed(`outcome ${code} is not known`);
  return outcome;
}

function cell<Value>(column: readonly Value[] | undefined, row: number): Value {
  const value = column?.[row];
  if (value === undefined) throw malformed(`row ${row} is incomplete`);
  return value;
}
