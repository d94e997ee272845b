import { assert } from "../../shared/assert.ts";
import type { BatchingConfig, Work } from "./config.ts";
import type { Job, Scheduler, SchedulerEvents } from "./ports.ts";
import { WaitingLine } from "./waiting-line.ts";

interface Sequence<Request> extends Job<Request> {
  readonly arrivedAtNs: number;
  promptTokensLeft: number;
  told: number;
  state: "waiting" | "running" | "over";
  left: boolean;
}

/** Continuous batching with chunked prefill; one step after the other, each planned when it starts. */
export class BatchingScheduler<Request extends Work> implements Scheduler<Request> {
  readonly #config: BatchingConfig;
  readonly #line = new WaitingLine<Sequence<Request>>();
  /** Admitted, prompt not through. In the order of admission. */
  #prefilling: Sequence<Request>[] = [];
  #decoding: Sequence<Request>[] = [];
  /** Of the current step; Infinity between steps. */
  #stepEndAtNs = Infinity;
  #lastStepEndAtNs = -Infinity;

  constructor(config: BatchingConfig) {
    assert(config.sequencesMax >= 1 && config.stepTokensMax >= 1, "a step has room for one token");
    this.#config = config;
  }

  arrive(atNs: number, request: Request): Job<Request> {
    assert(request.outputTokens >= 1, "a request has at least one output token");
    assert(this.nextEventAtNs() >= atNs, "advance to the instant before a request arrives at it");
    const sequence: Sequence<Request> = {
      request,
      arrivedAtNs: atNs,
      promptTokensLeft: Math.max(1, request.promptTokens),
      told: 0,
      state: "waiting",
      left: false,
    };
    this.#line.join(sequence);
    return sequence;
  }

  /** The step that runs keeps its length; the next one is planned without it. */
  cancel(_atNs: number, job: Job<Request>): void {
    const own = job as Sequence<Request>;
    if (own.state === "waiting") this.#line.leave(own);
    if (own.state === "running") {
      this.#prefilling = this.#prefilling.filter((sequence) => sequence !== own);
      this.#decoding = this.#decoding.filter((sequence) => sequence !== own);
    }
    own.state = "over";
  }

  nextEventAtNs(): number {
    if (this.#stepEndAtNs !== Infinity) return this.#stepEndAtNs;
    if (this.running() > 0) return this.#lastStepEndAtNs;
    const first = this.#line.first();
    return first === undefined ? Infinity : Math.max(first.arrivedAtNs, this.#lastStepEndAtNs);
  }

  advance(toNs: number, events: SchedulerEvents<Request>): void {
    for (;;) {
      const atNs = this.nextEventAtNs();
      if (atNs > toNs || atNs === Infinity) return;
      if (this.#stepEndAtNs === Infinity) this.#beginStep(atNs, events);
      else this.#endStep(events);
    }
  }

  running(): number {
    return this.#prefilling.length + this.#decoding.length;
  }

  waiting(): number {
    return this.#line.size;
  }

  occupancy(): number {
    return this.running() / this.#config.sequencesMax;
  }

  #beginStep(atNs: number, events: SchedulerEvents<Request>): void {
    const { stepBaseNs, perSequenceNs, perPromptTokenNs, stepTokensMax } = this.#config;
    this.#admit(atNs, events);
    let tokensLeft = stepTokensMax - this.#decoding.length;
    let promptTokens = 0;
    for (const sequence of this.#prefilling) {
      if (tokensLeft <= 0) break;
      const chunk = Math.min(tokensLeft, sequence.promptTokensLeft);
      sequence.promptTokensLeft -= chunk;
      tokensLeft -= chunk;
      promptTokens += chunk;
    }
    this.#stepEndAtNs =
      atNs + stepBaseNs + perSequenceNs * this.#decoding.length + perPromptTokenNs * promptTokens;
  }

  #admit(atNs: number, events: SchedulerEvents<Request>): void {
    while (this.running() < this.#config.sequencesMax) {
      const sequence = this.#line.takeFirst();
      if (sequence === undefined) return;
      sequence.state = "running";
      this.#prefilling.push(sequence);
      events.onStart(sequence.request, atNs);
    }
  }

  #endStep(events: SchedulerEvents<Request>): void {
    const atNs = this.#stepEndAtNs;
    this.#lastStepEndAtNs = atNs;
    this.#stepEndAtNs = Infinity;

    const prefilled = this.#prefilling.filter((sequence) => sequence.promptTokensLeft === 0);
    if (prefilled.length > 0) {
      this.#prefilling = this.#prefilling.filter((sequence) => sequence.promptTokensLeft > 0);
    }
    // A prompt's last chunk gives the first token, at the end of the same step.
    const producing = this.#decoding.concat(prefilled);
    this.#decoding = producing.filter(
      (sequence) => sequence.told + 1 < sequence.request.outputTokens,
    );
    for (const sequence of producing) {
      // The event of another may have made this one leave.
      if (sequence.state === "over") continue;
      sequence.told += 1;
      const last = sequence.told >= sequence.request.outputTokens;
      if (last) sequence.state = "over";
      events.onToken(sequence.request, atNs, sequence.told);
      if (last) events.onDone(sequence.request, atNs);
    }
  }
}
