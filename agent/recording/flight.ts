import type { Outcome } from "../../shared/measurement/outcome.ts";
import { ABSENT, type RequestTimeline } from "../../shared/measurement/timeline.ts";
import type { StreamListener } from "../ports.ts";
import type { IntervalKey } from "./interval-delta.ts";

/** Who is told of each event of a flight; the recorder. */
export interface FlightObserver {
  content(flight: Flight, atNs: number, events: number): void;
  bytes(count: number): void;
  ended(flight: Flight): void;
}

export interface FlightOptions {
  readonly observer: FlightObserver;
  readonly interval: IntervalKey;
  readonly index: number;
  readonly classIndex: number;
  /** Output tokens that the request asks for. */
  readonly askedTokens: number;
  readonly segment: number;
  readonly intendedAtNs: number;
  /** The same instant on the run's clock. */
  readonly intendedAtRunNs: number;
  readonly sentAtNs: number;
  readonly clauseCount: number;
}

/** One request in flight: its instants (agent's clock, ns) and what was counted of it. */
export class Flight implements StreamListener, RequestTimeline {
  readonly interval: IntervalKey;
  readonly index: number;
  readonly classIndex: number;
  readonly askedTokens: number;
  readonly segment: number;
  readonly intendedAtNs: number;
  readonly intendedAtRunNs: number;
  readonly sentAtNs: number;
  headersAtNs = ABSENT;
  firstContentAtNs = ABSENT;
  firstAnswerAtNs = ABSENT;
  lastContentAtNs = ABSENT;
  endAtNs = ABSENT;
  contentEvents = 0;
  gapMaxNs = ABSENT;
  inputTokens = ABSENT;
  /** As the server counts them; ABSENT where it is silent. */
  outputTokens = ABSENT;
  outcome: Outcome = "unknown";
  status = 0;
  detail = "";
  /** Per clause: how many of its thresholds this request has exceeded. */
  readonly levels: Uint8Array;
  /** Exceeded a limit or failed: counts against goodput, once. */
  bad = false;
  readonly #observer: FlightObserver;

  constructor(options: FlightOptions) {
    this.#observer = options.observer;
    this.interval = options.interval;
    this.index = options.index;
    this.classIndex = options.classIndex;
    this.askedTokens = options.askedTokens;
    this.segment = options.segment;
    this.intendedAtNs = options.intendedAtNs;
    this.intendedAtRunNs = options.intendedAtRunNs;
    this.sentAtNs = options.sentAtNs;
    this.levels = new Uint8Array(options.clauseCount);
  }

  get ended(): boolean {
    return this.endAtNs !== ABSENT;
  }

  /** Sent, and nothing back yet. */
  get waiting(): boolean {
    return this.firstContentAtNs === ABSENT && !this.ended;
  }

  onHeaders(atNs: number, status: number): void {
    this.headersAtNs = atNs;
    this.status = status;
  }

  onContent(atNs: number, events: number, hasAnswer: boolean): void {
    if (hasAnswer && this.firstAnswerAtNs === ABSENT) this.firstAnswerAtNs = atNs;
    this.#observer.content(this, atNs, events);
  }

  onBytes(count: number): void {
    this.#observer.bytes(count);
  }

  onUsage(inputTokens: number, outputTokens: number): void {
    if (inputTokens >= 0) this.inputTokens = inputTokens;
    if (outputTokens >= 0) this.outputTokens = outputTokens;
  }

  onEnd(atNs: number, outcome: Outcome, status: number, detail: string): void {
    if (this.ended) return;
    this.endAtNs = atNs;
    this.outcome = outcome;
    this.status = status;
    this.detail = detail;
    this.#observer.ended(this);
  }
}
