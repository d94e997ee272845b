import { assert } from "../../shared/assert.ts";
import type { Prng } from "../../shared/random/stream.ts";
import type { FifoConfig, TokenSpread, Work } from "./config.ts";
import { EventHeap } from "./event-heap.ts";
import type { Job, Scheduler, SchedulerEvents } from "./ports.ts";
import { drawServiceNs } from "./service-time.ts";
import { WaitingLine } from "./waiting-line.ts";

interface FifoJob<Request> extends Job<Request> {
  readonly arrivedAtNs: number;
  readonly serviceNs: number;
  readonly timing: TokenTiming;
  state: "waiting" | "running" | "over";
  left: boolean;
  firstTokenAtNs: number;
  /** Tokens told so far. */
  told: number;
}

/** When tokens come, counted from the start of service, and with which one the slot is free. */
interface TokenTiming {
  readonly firstNs: number;
  readonly gapNs: number;
  readonly slotFreeWithToken: number;
}

function timingOf(spread: TokenSpread, serviceNs: number, tokens: number): TokenTiming {
  if (spread.kind === "after-service") {
    return { firstNs: serviceNs, gapNs: spread.gapNs, slotFreeWithToken: 1 };
  }
  if (spread.kind === "in-service") {
    return { firstNs: serviceNs, gapNs: spread.gapNs, slotFreeWithToken: tokens };
  }
  if (tokens === 1) return { firstNs: serviceNs, gapNs: 0, slotFreeWithToken: 1 };
  const firstNs = serviceNs * spread.firstTokenFraction;
  return { firstNs, gapNs: (serviceNs - firstNs) / (tokens - 1), slotFreeWithToken: tokens };
}

/** M/M/c, M/D/c, M/G/c with tokens: c slots and one line. A start is an event of its own, at its own instant. */
export class FifoScheduler<Request extends Work> implements Scheduler<Request> {
  readonly #config: FifoConfig;
  readonly #prng: Prng;
  readonly #line = new WaitingLine<FifoJob<Request>>();
  readonly #tokens = new EventHeap<FifoJob<Request>>();
  #slotsBusy = 0;
  #running = 0;
  /** Who waits can start no earlier than the last time a slot became free. */
  #slotFreedAtNs = -Infinity;

  constructor(config: FifoConfig, prng: Prng) {
    assert(config.slots >= 1, "a server has at least one slot");
    this.#config = config;
    this.#prng = prng;
  }

  arrive(atNs: number, request: Request): Job<Request> {
    assert(request.outputTokens >= 1, "a request has at least one output token");
    assert(this.nextEventAtNs() >= atNs, "advance to the instant before a request arrives at it");
    const serviceNs = drawServiceNs(this.#config.service, this.#prng);
    const job: FifoJob<Request> = {
      request,
      arrivedAtNs: atNs,
      serviceNs,
      timing: timingOf(this.#config.spread, serviceNs, request.outputTokens),
      state: "waiting",
      left: false,
      firstTokenAtNs: Infinity,
      told: 0,
    };
    this.#line.join(job);
    return job;
  }

  cancel(atNs: number, job: Job<Request>): void {
    const own = job as FifoJob<Request>;
    if (own.state === "waiting") this.#line.leave(own);
    if (own.state === "running") {
      if (own.told < own.timing.slotFreeWithToken) this.#freeSlot(atNs);
      this.#running -= 1;
    }
    own.state = "over";
  }

  nextEventAtNs(): number {
    return Math.min(this.#nextStartAtNs(), this.#nextTokenAtNs());
  }

  advance(toNs: number, events: SchedulerEvents<Request>): void {
    for (;;) {
      const startAtNs = this.#nextStartAtNs();
      const tokenAtNs = this.#nextTokenAtNs();
      const atNs = Math.min(startAtNs, tokenAtNs);
      if (atNs > toNs || atNs === Infinity) return;
      if (startAtNs <= tokenAtNs) this.#start(startAtNs, events);
      else this.#tell(tokenAtNs, events);
    }
  }

  running(): number {
    return this.#running;
  }

  waiting(): number {
    return this.#line.size;
  }

  occupancy(): number {
    return this.#slotsBusy / this.#config.slots;
  }

  #nextStartAtNs(): number {
    if (this.#slotsBusy >= this.#config.slots) return Infinity;
    const first = this.#line.first();
    return first === undefined ? Infinity : Math.max(first.arrivedAtNs, this.#slotFreedAtNs);
  }

  #nextTokenAtNs(): number {
    // Tokens of those who left stay in the heap until they are reached.
    while (this.#tokens.top()?.state === "over") this.#tokens.pop();
    return this.#tokens.topAtNs();
  }

  #start(atNs: number, events: SchedulerEvents<Request>): void {
    const job = this.#line.takeFirst();
    assert(job !== undefined, "a start needs someone in the line");
    job.state = "running";
    job.firstTokenAtNs = atNs + job.timing.firstNs;
    this.#slotsBusy += 1;
    this.#running += 1;
    this.#tokens.push(job.firstTokenAtNs, job);
    events.onStart(job.request, atNs);
  }

  #tell(atNs: number, events: SchedulerEvents<Request>): void {
    const job = this.#tokens.pop();
    assert(job !== undefined, "a token belongs to a job");
    job.told += 1;
    if (job.told === job.timing.slotFreeWithToken) this.#freeSlot(atNs);
    const last = job.told === job.request.outputTokens;
    if (last) {
      job.state = "over";
      this.#running -= 1;
    } else {
      // From the first token, not from the one before: gaps do not add up rounding errors.
      this.#tokens.push(job.firstTokenAtNs + job.told * job.timing.gapNs, job);
    }
    events.onToken(job.request, atNs, job.told);
    if (last) events.onDone(job.request, atNs);
  }

  #freeSlot(atNs: number): void {
    this.#slotsBusy -= 1;
    this.#slotFreedAtNs = Math.max(this.#slotFreedAtNs, atNs);
  }
}
