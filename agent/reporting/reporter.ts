import type { Refusal, ReportAddress } from "../../shared/control/control.ts";
import type { IntervalReport, ReportKey, RequestRecord } from "../../shared/measurement/report.ts";
import type { CancelCall, Clock } from "../../shared/time/clock.ts";
import { NS_PER_SECOND } from "../../shared/units.ts";
import { REPORT_BYTES_MAX } from "../../shared/wire/report-bounds.ts";
import { decodeIntervalReport, encodeIntervalReport } from "../../shared/wire/report-codec.ts";
import type { ReportLink, ReportStream } from "../ports.ts";
import type { LostReports, SpooledInterval } from "./spool.ts";
import { Spool, SPOOL_BYTES_MAX } from "./spool.ts";

/**
 * A batch goes out when it has this many records, or with the next report. Few, so that encoding them (some 0.1 ms)
 * holds up no arrival, and the seal of an interval finds few left.
 */
const RECORDS_PER_BATCH = 64;

/** A report this long without news of it is sent again, even on a stream that looks well. */
const RESEND_AFTER_NS = 5 * NS_PER_SECOND;

/** What an agent seals each interval; the reporter gives it its key. */
export type SealedInterval = Omit<IntervalReport, keyof ReportKey>;

export interface ReporterOptions {
  readonly runId: string;
  readonly agentId: string;
  readonly epoch: number;
  readonly clock: Clock;
  readonly link: ReportLink;
  /** Where the coordinator takes reports. */
  readonly address: ReportAddress;
  /** Bound of what waits for an acknowledgement. */
  readonly spoolBytesMax?: number;
}

/**
 * Numbers an agent's reports from 1 and sends each until it is acknowledged, in order; after a break from the first
 * that was not. Records follow behind: only when no report waits to be sent.
 *
 * Holds no more than its spool's bound, whatever happens to the coordinator; what it then has to let go of is counted
 * and named. Does no I/O of its own.
 */
export class Reporter {
  readonly #options: ReporterOptions;
  readonly #spool: Spool;
  /** Undefined only while a new one is being made: its link may call back before it returns. */
  #stream: ReportStream | undefined;
  #generation = 0;
  #isOpen = false;
  /** The coordinator refuses this agent for good; `attach` asks the next one. */
  #refusal: Refusal | undefined;
  #closed = false;
  #sequence = 0;
  #sentUpTo = 0;
  #ackedUpTo = 0;
  #batch = 0;
  #records: { readonly segment: number; readonly list: RequestRecord[] } = { segment: 0, list: [] };
  #progressAtNs = 0;
  #cancelResend: CancelCall | undefined;
  #flushed: (() => void)[] = [];

  constructor(options: ReporterOptions) {
    this.#options = options;
    this.#spool = new Spool(options.spoolBytesMax ?? SPOOL_BYTES_MAX);
    this.#open(options.address);
  }

  /** Reports that are not acknowledged. */
  get spooledReports(): number {
    return this.#spool.intervalCount;
  }

  get reportsLost(): number {
    return this.#spool.lostCount;
  }

  /** Which reports are gone, ascending. */
  get lost(): readonly LostReports[] {
    return this.#spool.lost;
  }

  /** Why the coordinator takes nothing more from this agent; undefined while it does. */
  get refusal(): Refusal | undefined {
    return this.#refusal;
  }

  /** Takes over what happened until now; it is encoded here and never again. */
  addInterval(sealed: SealedInterval): void {
    this.#sequence += 1;
    const { runId, agentId, epoch } = this.#options;
    const sequence = this.#sequence;
    const report = encodeIntervalReport({ ...sealed, runId, agentId, epoch, sequence });
    if (report.length > REPORT_BYTES_MAX) this.#spool.lose(sequence);
    else this.#spool.addInterval({ sequence, report });
    this.#endBatch();
    this.#pump();
  }

  addRecord(segment: number, record: RequestRecord): void {
    if (segment !== this.#records.segment) this.#endBatch();
    if (this.#records.list.length === 0) this.#records = { segment, list: [] };
    this.#records.list.push(record);
    if (this.#records.list.length < RECORDS_PER_BATCH) return;
    this.#endBatch();
    this.#pump();
  }

  /** Goes on with another incarnation of the coordinator, what is spooled first. */
  attach(address: ReportAddress): void {
    if (this.#closed) return;
    const before = this.#stream;
    this.#refusal = undefined;
    this.#onBroken();
    this.#open(address);
    void before?.close();
  }

  /**
   * Resolves when every report is acknowledged and every record was sent; also when that will not happen any more:
   * refused, or closed.
   */
  flush(): Promise<void> {
    this.#endBatch();
    this.#pump();
    return new Promise((resolve) => {
      this.#flushed.push(resolve);
      this.#settleFlush();
    });
  }

  async close(): Promise<void> {
    this.#closed = true;
    this.#isOpen = false;
    this.#cancelResend?.();
    this.#settleFlush();
    await this.#stream?.close();
  }

  #open(address: ReportAddress): void {
    this.#generation += 1;
    const generation = this.#generation;
    // Events of a stream that another one has replaced say nothing of the new one.
    const whenCurrent = (task: () => void): void => {
      if (generation === this.#generation && !this.#closed) task();
    };
    this.#stream = undefined;
    this.#stream = this.#options.link.open(address, this.#options.agentId, {
      onAck: (epoch, sequence) => {
        whenCurrent(() => {
          if (epoch === this.#options.epoch) this.#onAck(sequence);
        });
      },
      onOpen: () => {
        whenCurrent(() => {
          this.#isOpen = true;
          this.#pump();
        });
      },
      onLost: () => {
        whenCurrent(() => {
          this.#onBroken();
        });
      },
      onRefusal: (refusal) => {
        whenCurrent(() => {
          this.#refusal = refusal;
          this.#onBroken();
          this.#settleFlush();
        });
      },
    });
    this.#pump();
  }

  #onAck(sequence: number): void {
    // One that names a report that was never sent is not from a coordinator of ours.
    if (sequence <= this.#ackedUpTo || sequence > this.#sequence) return;
    this.#ackedUpTo = sequence;
    this.#sentUpTo = Math.max(this.#sentUpTo, sequence);
    this.#progressAtNs = this.#options.clock.nowNs();
    this.#spool.acknowledge(sequence);
    this.#pump();
  }

  #onBroken(): void {
    this.#isOpen = false;
    this.#sentUpTo = this.#ackedUpTo;
    this.#spool.unsendRecords();
    this.#cancelResend?.();
    this.#cancelResend = undefined;
  }

  #pump(): void {
    if (this.#isOpen && this.#sendIntervals()) this.#sendRecords();
    this.#resendLater();
    this.#settleFlush();
  }

  /** Whether no report waits any more. */
  #sendIntervals(): boolean {
    let next = this.#spool.intervalAfter(this.#sentUpTo);
    while (next !== undefined) {
      if (!this.#sendInterval(next)) return false;
      this.#sentUpTo = next.sequence;
      next = this.#spool.intervalAfter(this.#sentUpTo);
    }
    return true;
  }

  #sendInterval({ report }: SpooledInterval): boolean {
    const stream = this.#stream;
    if (stream?.sendEncodedInterval !== undefined) return stream.sendEncodedInterval(report);
    return stream?.sendInterval(decodeIntervalReport(report)) ?? false;
  }

  #sendRecords(): void {
    let batch = this.#spool.nextRecords();
    while (batch !== undefined && this.#stream?.sendRecords(batch) === true) {
      this.#spool.recordsSent(this.#sentUpTo);
      batch = this.#spool.nextRecords();
    }
  }

  #endBatch(): void {
    const { segment, list } = this.#records;
    if (list.length === 0) return;
    this.#records = { segment, list: [] };
    this.#batch += 1;
    const { runId, agentId, epoch } = this.#options;
    this.#spool.addRecords({
      runId,
      agentId,
      epoch,
      batch: this.#batch,
      segment,
      records: list,
      lostBefore: 0,
    });
  }

  #resendLater(): void {
    const { clock } = this.#options;
    const waits = this.#isOpen && this.#sentUpTo > this.#ackedUpTo;
    if (!waits || this.#cancelResend !== undefined) return;
    this.#progressAtNs = clock.nowNs();
    this.#awaitNews();
  }

  #awaitNews(): void {
    const { clock } = this.#options;
    this.#cancelResend = clock.callAt(this.#progressAtNs + RESEND_AFTER_NS, () => {
      this.#cancelResend = undefined;
      if (this.#sentUpTo === this.#ackedUpTo) return;
      if (clock.nowNs() < this.#progressAtNs + RESEND_AFTER_NS) {
        this.#awaitNews();
        return;
      }
      this.#sentUpTo = this.#ackedUpTo;
      this.#pump();
    });
  }

  #settleFlush(): void {
    const isOver = this.#closed || this.#refusal !== undefined;
    const isSafe = this.#spool.intervalCount === 0 && !this.#spool.hasUnsentRecords;
    if (!isOver && !isSafe) return;
    const waiting = this.#flushed;
    this.#flushed = [];
    for (const resolve of waiting) resolve();
  }
}
