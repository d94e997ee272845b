import type { ArrivalLog, ArrivalOutcome, ArrivalRecord } from "./arrival-log.ts";
import type { SimulatorMetrics } from "./metrics.ts";

/** Where requests are counted. */
export interface Books {
  readonly log: ArrivalLog;
  readonly metrics: SimulatorMetrics;
  /** The engine's instants to the log's: the host's monotonic clock. */
  readonly hostAheadNs: number;
}

/** Keeps one request's record and the metrics. Instants are the engine's. */
export class Account {
  readonly #books: Books;
  readonly #record: ArrivalRecord;
  readonly #choices: number;
  #lastTokenAtNs: number | undefined;

  constructor(books: Books, record: ArrivalRecord, choices: number) {
    this.#books = books;
    this.#record = record;
    this.#choices = choices;
    books.log.begin(record);
  }

  get over(): boolean {
    return this.#record.endedAtNs !== undefined;
  }

  started(atNs: number): void {
    const record = this.#record;
    // A stall is one instant of the server's own time: which end of it a request began at is for its arrival to say.
    record.startedAtNs = Math.max(this.#host(atNs), record.arrivedAtNs);
    this.#books.metrics.started(record.startedAtNs - record.arrivedAtNs, record.promptTokens);
  }

  token(atNs: number): void {
    const record = this.#record;
    const hostNs = this.#host(atNs);
    if (record.firstTokenAtNs === undefined) {
      record.firstTokenAtNs = hostNs;
      this.#books.metrics.firstToken(hostNs - record.arrivedAtNs);
    }
    record.lastTokenAtNs = hostNs;
    record.tokens += this.#choices;
    this.#lastTokenAtNs = atNs;
    this.#books.metrics.tokens(this.#choices);
  }

  /** What was told so far has been handed to the socket. */
  written(nowNs: number): void {
    if (this.#lastTokenAtNs === undefined) return;
    this.#lastTokenAtNs = undefined;
    const hostNs = this.#host(nowNs);
    this.#record.firstTokenWrittenAtNs ??= hostNs;
    this.#record.lastTokenWrittenAtNs = hostNs;
  }

  status(status: number): void {
    this.#record.status = status;
  }

  end(nowNs: number, outcome: ArrivalOutcome, reason: "stop" | "length" | "abort"): void {
    if (this.over) return;
    const record = this.#record;
    record.endedAtNs = this.#host(nowNs);
    record.outcome = outcome;
    if (record.startedAtNs !== undefined) {
      this.#books.metrics.finished(reason, record.endedAtNs - record.arrivedAtNs);
    }
    this.#books.log.end(record);
  }

  #host(engineNs: number): number {
    return engineNs + this.#books.hostAheadNs;
  }
}
