import type { ReportLink, ReportStream, ReportStreamEvents } from "../../../agent/ports.ts";
import type { IntervalReport, RecordBatch } from "../../../shared/measurement/report.ts";
import type { SimClock } from "../../support/sim-clock.ts";

const MS = 1_000_000;

/** How bad the network is; each draw is 0 to 1. */
export interface Weather {
  readonly draw: () => number;
  readonly lossRate: number;
  readonly duplicateRate: number;
  readonly breakRate: number;
  readonly fullRate: number;
}

const FAIR: Weather = {
  draw: () => 1,
  lossRate: 0,
  duplicateRate: 0,
  breakRate: 0,
  fullRate: 0,
};

/**
 * A coordinator that keeps reports by sequence and acknowledges the highest contiguous one, behind a network that
 * loses, duplicates, breaks and fills up, but keeps the order of each stream.
 */
export class LossyLink implements ReportLink {
  readonly kept: IntervalReport[] = [];
  readonly records: RecordBatch[] = [];
  /** Everything that arrived, in its order: "1", "2", "records 1". */
  readonly arrivals: string[] = [];
  readonly addresses: string[] = [];
  streams: LossyStream[] = [];
  acknowledges = true;
  readonly clock: SimClock;
  weather: Weather;

  constructor(clock: SimClock, weather: Weather = FAIR) {
    this.clock = clock;
    this.weather = weather;
  }

  get current(): LossyStream {
    return this.streams.at(-1)!;
  }

  open(address: { url: string }, _agentId: string, events: ReportStreamEvents): ReportStream {
    this.addresses.push(address.url);
    const stream = new LossyStream(this, events);
    this.streams.push(stream);
    return stream;
  }

  takeInterval(report: IntervalReport): number {
    this.arrivals.push(String(report.sequence));
    if (report.sequence === this.kept.length + 1) this.kept.push(report);
    return this.kept.length;
  }

  takeRecords(batch: RecordBatch): void {
    this.arrivals.push(`records ${batch.batch}`);
    this.records.push(batch);
  }
}

export class LossyStream implements ReportStream {
  isOpen = false;
  isClosed = false;
  /** How many more messages it takes before its buffer is full. */
  room = Infinity;
  readonly events: ReportStreamEvents;
  readonly #link: LossyLink;
  #connection = 0;

  constructor(link: LossyLink, events: ReportStreamEvents) {
    this.#link = link;
    this.events = events;
    this.connect();
  }

  connect(): void {
    this.#later(10, () => {
      this.isOpen = true;
      this.events.onOpen();
    });
  }

  break(): void {
    if (!this.isOpen) return;
    this.isOpen = false;
    this.#connection += 1;
    this.events.onLost();
    this.connect();
  }

  sendInterval(report: IntervalReport): boolean {
    return this.#send(() => {
      const sequence = this.#link.takeInterval(report);
      if (!this.#link.acknowledges || this.#isUnlucky("lossRate")) return;
      this.#later(2, () => {
        this.events.onAck(report.epoch, sequence);
      });
    });
  }

  sendRecords(batch: RecordBatch): boolean {
    return this.#send(() => {
      this.#link.takeRecords(batch);
    });
  }

  close(): Promise<void> {
    this.isClosed = true;
    this.isOpen = false;
    this.#connection += 1;
    return Promise.resolve();
  }

  #send(arrive: () => void): boolean {
    if (!this.isOpen || this.room <= 0) return false;
    if (this.#isUnlucky("fullRate")) {
      this.#later(7, () => {
        this.events.onOpen();
      });
      return false;
    }
    this.room -= 1;
    if (this.#isUnlucky("breakRate")) {
      this.#later(0, () => {
        this.break();
      });
    }
    if (this.#isUnlucky("lossRate")) return true;
    this.#later(2, arrive);
    if (this.#isUnlucky("duplicateRate")) this.#later(5, arrive);
    return true;
  }

  #isUnlucky(rate: "lossRate" | "duplicateRate" | "breakRate" | "fullRate"): boolean {
    return this.#link.weather.draw() < this.#link.weather[rate];
  }

  /** Only while the connection lasts. */
  #later(ms: number, task: () => void): void {
    const connection = this.#connection;
    const { clock } = this.#link;
    clock.callAt(clock.nowNs() + ms * MS, () => {
      if (connection === this.#connection && !this.isClosed) task();
    });
  }
}
