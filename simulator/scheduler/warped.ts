import { assert } from "../../shared/assert.ts";
import type { Work } from "./config.ts";
import type { Job, Scheduler, SchedulerEvents } from "./ports.ts";
import { shiftWarp } from "./time-warp.ts";
import type { TimeWarp } from "./time-warp.ts";

/** Time faults at once; each costs a little at every event. */
export const WARPS_MAX = 100;

/** A scheduler whose time can be disturbed, from any instant on. Undisturbed, it adds nothing. */
export class WarpedScheduler<Request extends Work> implements Scheduler<Request> {
  readonly #inner: Scheduler<Request>;
  /** The newest last. It is the first to be applied to a real instant, since it is identity before it began. */
  #warps: readonly TimeWarp[] = [];

  constructor(inner: Scheduler<Request>) {
    this.#inner = inner;
  }

  /** @returns false, and changes nothing, when there are too many already. */
  disturb(warp: TimeWarp): boolean {
    if (this.#warps.length >= WARPS_MAX) return false;
    this.#warps = [...this.#warps, warp];
    return true;
  }

  /** Ends every disturbance at `atNs`; what it cost until then stays lost. */
  endDisturbances(atNs: number): void {
    if (this.#warps.length === 0) return;
    this.#warps = [shiftWarp(atNs - this.#workAtNs(atNs))];
  }

  arrive(atNs: number, request: Request): Job<Request> {
    return this.#inner.arrive(this.#innerNowNs(atNs), request);
  }

  cancel(atNs: number, job: Job<Request>): void {
    this.#inner.cancel(this.#innerNowNs(atNs), job);
  }

  nextEventAtNs(): number {
    return this.#realAtNs(this.#inner.nextEventAtNs());
  }

  advance(toNs: number, events: SchedulerEvents<Request>): void {
    if (this.#warps.length === 0) {
      this.#inner.advance(toNs, events);
      return;
    }
    const inReal: SchedulerEvents<Request> = {
      onStart: (request, workNs) => {
        events.onStart(request, this.#realAtNs(workNs));
      },
      onToken: (request, workNs, k) => {
        events.onToken(request, this.#realAtNs(workNs), k);
      },
      onDone: (request, workNs) => {
        events.onDone(request, this.#realAtNs(workNs));
      },
    };
    // Instant by instant, compared in real time: a stall makes one work instant a stretch of real ones, and
    // rounding must not make an event due for one of the two clocks only.
    for (;;) {
      const nextWorkNs = this.#inner.nextEventAtNs();
      if (nextWorkNs === Infinity || this.#realAtNs(nextWorkNs) > toNs) return;
      this.#inner.advance(nextWorkNs, inReal);
    }
  }

  running(): number {
    return this.#inner.running();
  }

  waiting(): number {
    return this.#inner.waiting();
  }

  occupancy(): number {
    return this.#inner.occupancy();
  }

  /** Never past the next event, which rounding could do by a hair. */
  #innerNowNs(atNs: number): number {
    const workNs = this.#workAtNs(atNs);
    assert(!Number.isNaN(workNs), "a time warp maps every instant");
    return Math.min(workNs, this.#inner.nextEventAtNs());
  }

  #workAtNs(realNs: number): number {
    return this.#warps.reduceRight((atNs, warp) => warp.workAtNs(atNs), realNs);
  }

  #realAtNs(workNs: number): number {
    return this.#warps.reduce((atNs, warp) => warp.realAtNs(atNs), workNs);
  }
}
