import type { RecordBatch } from "../../shared/measurement/report.ts";

/** What waits to be acknowledged takes at most this, by default: hours of usual reports. */
export const SPOOL_BYTES_MAX = 64 * 1024 * 1024;

/** What a record is taken to cost in memory, bytes: an object of thirteen numbers. */
const RECORD_BYTES = 160;

export interface SpooledInterval {
  readonly sequence: number;
  /** Encoded: immutable, and a few kB where the histograms are hundreds. */
  readonly report: Uint8Array;
}

interface SpooledBatch {
  batch: RecordBatch;
  /** The report that was last sent when the batch was; undefined while it was not sent on this stream. */
  sentAfter: number | undefined;
}

/** Reports that are gone: they had no more room, or were too long to send. Both ends included. */
export interface LostReports {
  readonly fromSequence: number;
  readonly toSequence: number;
}

/**
 * Holds reports until they are acknowledged, and record batches until a later report is, within a bound of bytes.
 *
 * When it is full the oldest records go first; once there are none left, the oldest reports, which are then counted
 * and named. The same order of additions, acknowledgements and sends gives the same content.
 */
export class Spool {
  readonly #bytesMax: number;
  #bytes = 0;
  readonly #intervals = new Map<number, Uint8Array>();
  #batches: SpooledBatch[] = [];
  readonly #lost: { fromSequence: number; toSequence: number }[] = [];
  /** Records dropped behind the last batch that is held. */
  #recordsLostAtEnd = 0;

  constructor(bytesMax: number) {
    this.#bytesMax = bytesMax;
  }

  /** Reports held. */
  get intervalCount(): number {
    return this.#intervals.size;
  }

  /** Ascending, neighbours joined. */
  get lost(): readonly LostReports[] {
    return this.#lost;
  }

  get lostCount(): number {
    let count = 0;
    for (const { fromSequence, toSequence } of this.#lost) count += toSequence - fromSequence + 1;
    return count;
  }

  get hasUnsentRecords(): boolean {
    return this.nextRecords() !== undefined;
  }

  /** @param sequence above every one before it. */
  addInterval({ sequence, report }: SpooledInterval): void {
    this.#intervals.set(sequence, report);
    this.#bytes += report.length;
    this.#shrink();
  }

  addRecords(batch: RecordBatch): void {
    const lostBefore = batch.lostBefore + this.#recordsLostAtEnd;
    this.#recordsLostAtEnd = 0;
    this.#batches.push({ batch: { ...batch, lostBefore }, sentAfter: undefined });
    this.#bytes += bytesOf(batch);
    this.#shrink();
  }

  /** Names a report that will never be sent. */
  lose(sequence: number): void {
    const last = this.#lost.at(-1);
    if (last?.toSequence === sequence - 1) last.toSequence = sequence;
    else this.#lost.push({ fromSequence: sequence, toSequence: sequence });
  }

  /** The first report after `sequence` that is held. */
  intervalAfter(sequence: number): SpooledInterval | undefined {
    const next = this.#intervals.get(sequence + 1);
    if (next !== undefined) return { sequence: sequence + 1, report: next };
    for (const [held, report] of this.#intervals) {
      if (held > sequence) return { sequence: held, report };
    }
    return undefined;
  }

  /** The oldest batch that was not sent on this stream. */
  nextRecords(): RecordBatch | undefined {
    return this.#batches.find((each) => each.sentAfter === undefined)?.batch;
  }

  /** The batch that `nextRecords` gave went out, behind the report `sentAfter`. */
  recordsSent(sentAfter: number): void {
    const next = this.#batches.find((each) => each.sentAfter === undefined);
    if (next !== undefined) next.sentAfter = sentAfter;
  }

  /** Lets go of every report up to `sequence`, and of the batches that were sent before it. */
  acknowledge(sequence: number): void {
    for (const [held, report] of this.#intervals) {
      if (held > sequence) break;
      this.#intervals.delete(held);
      this.#bytes -= report.length;
    }
    // Messages keep their order on a stream: the report came, so what went before it came too.
    const isConfirmed = ({ sentAfter }: SpooledBatch): boolean =>
      sentAfter !== undefined && sentAfter < sequence;
    for (const each of this.#batches) if (isConfirmed(each)) this.#bytes -= bytesOf(each.batch);
    this.#batches = this.#batches.filter((each) => !isConfirmed(each));
  }

  /** The stream broke: batches that no report confirmed are to be sent again. */
  unsendRecords(): void {
    for (const each of this.#batches) each.sentAfter = undefined;
  }

  #shrink(): void {
    while (this.#bytes > this.#bytesMax && this.#batches.length > 0) this.#dropOldestBatch();
    for (const [sequence, report] of this.#intervals) {
      if (this.#bytes <= this.#bytesMax) return;
      this.#intervals.delete(sequence);
      this.#bytes -= report.length;
      this.lose(sequence);
    }
  }

  /** Its records count as lost in the batch after it, unless they went out already. */
  #dropOldestBatch(): void {
    const dropped = this.#batches.shift();
    if (dropped === undefined) return;
    this.#bytes -= bytesOf(dropped.batch);
    if (dropped.sentAfter !== undefined) return;
    const lost = dropped.batch.lostBefore + dropped.batch.records.length;
    const next = this.#batches[0];
    if (next === undefined) this.#recordsLostAtEnd += lost;
    else next.batch = { ...next.batch, lostBefore: next.batch.lostBefore + lost };
  }
}

function bytesOf(batch: RecordBatch): number {
  return batch.records.length * RECORD_BYTES;
}
