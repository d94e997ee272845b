import type { PacingClock } from "../../agent/ports.ts";
import type { CancelCall } from "../../shared/time/clock.ts";

interface Call {
  readonly atNs: number;
  readonly order: number;
  readonly task: () => void;
  cancelled: boolean;
}

/** How long `runUntil` looks before it says that it will never happen. */
const RUN_UNTIL_NS = 3_600_000_000_000;

/**
 * Virtual time: it stands still until a test moves it. Calls run at exactly their instant, those of one
 * instant in the order they were asked for, so that a test replays to the byte.
 *
 * `advanceTo` is synchronous: promises settle only after it returns. `advance` and `runUntil` let every
 * pending promise settle before and after each call, for code that awaits between its calls.
 */
export class SimClock implements PacingClock {
  #nowNs: number;
  #order = 0;
  /** A binary heap, the earliest call first. */
  readonly #calls: Call[] = [];

  constructor(startNs = 0) {
    this.#nowNs = startNs;
  }

  nowNs(): number {
    return this.#nowNs;
  }

  /** How many calls are still to come. A test may ask for 0 to see that nothing was left behind. */
  pendingCalls(): number {
    return this.#calls.filter((call) => !call.cancelled).length;
  }

  callAt(atNs: number, task: () => void): CancelCall {
    const call: Call = { atNs, order: this.#order++, task, cancelled: false };
    this.#push(call);
    return () => {
      call.cancelled = true;
    };
  }

  callPrecisely(atNs: number, task: () => void): CancelCall {
    return this.callAt(atNs, task);
  }

  /** Moves the time without running a call, as a stalled event loop does: what was due runs late. */
  stall(durationNs: number): void {
    this.#nowNs += durationNs;
  }

  /** Runs every call up to and with `atNs`, those that the calls ask for included. */
  advanceTo(atNs: number): void {
    while (this.#runNext(atNs));
    this.#nowNs = Math.max(this.#nowNs, atNs);
  }

  advanceBy(durationNs: number): void {
    this.advanceTo(this.#nowNs + durationNs);
  }

  /** As `advanceBy`, but promises settle around each call. */
  async advance(durationNs: number): Promise<void> {
    const untilNs = this.#nowNs + durationNs;
    await settle();
    while (this.#runNext(untilNs)) await settle();
    this.#nowNs = Math.max(this.#nowNs, untilNs);
    await settle();
  }

  /** Advances call by call until `done()`; fails after `withinNs` of virtual time, or with nothing left to run. */
  async runUntil(done: () => boolean, withinNs: number = RUN_UNTIL_NS): Promise<void> {
    const untilNs = this.#nowNs + withinNs;
    await settle();
    while (!done()) {
      if (!this.#runNext(untilNs)) {
        throw new Error(`runUntil: not done at ${this.#nowNs} ns of virtual time, no call is due`);
      }
      await settle();
    }
  }

  #runNext(untilNs: number): boolean {
    for (let call = this.#calls[0]; call !== undefined; call = this.#calls[0]) {
      if (call.cancelled) {
        this.#pop();
        continue;
      }
      if (call.atNs > untilNs) return false;
      this.#pop();
      this.#nowNs = Math.max(this.#nowNs, call.atNs);
      call.task();
      return true;
    }
    return false;
  }

  #push(call: Call): void {
    const heap = this.#calls;
    let at = heap.push(call) - 1;
    while (at > 0) {
      const parent = (at - 1) >> 1;
      if (!isBefore(call, heap[parent]!)) break;
      heap[at] = heap[parent]!;
      at = parent;
    }
    heap[at] = call;
  }

  #pop(): void {
    const heap = this.#calls;
    const last = heap.pop();
    if (last === undefined || heap.length === 0) return;
    let at = 0;
    for (;;) {
      let child = 2 * at + 1;
      if (child >= heap.length) break;
      if (child + 1 < heap.length && isBefore(heap[child + 1]!, heap[child]!)) child += 1;
      if (!isBefore(heap[child]!, last)) break;
      heap[at] = heap[child]!;
      at = child;
    }
    heap[at] = last;
  }
}

function isBefore(one: Call, other: Call): boolean {
  return one.atNs !== other.atNs ? one.atNs < other.atNs : one.order < other.order;
}

/** A turn of the real event loop: every promise that can settle has settled, however long its chain. */
function settle(): Promise<void> {
  return new Promise((resolve) => {
    setImmediate(resolve);
  });
}
