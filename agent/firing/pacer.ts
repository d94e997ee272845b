import type { CancelCall } from "../../shared/time/clock.ts";
import type { PacingClock } from "../ports.ts";

/** An agent's own arrivals, one after the other; the fields say which one `next` moved to. */
export interface ArrivalCursor {
  /** False when there are no more. */
  next(): boolean;
  readonly index: number;
  /** Run clock, ns. */
  readonly intendedAtNs: number;
}

export interface PacerOptions {
  readonly clock: PacingClock;
  readonly arrivals: ArrivalCursor;
  /** The agent's clock minus the run's clock, ns. */
  readonly clockAheadNs: number;
  /** Called while there is time, once for each arrival, before it is due. */
  readonly prepare: (index: number) => void;
  /** Hands one due arrival on; all arrivals of a batch see the same `nowNs` (agent's clock). */
  readonly fire: (index: number, intendedAtNs: number, nowNs: number) => void;
}

/**
 * Fires each arrival at its absolute instant. Whatever is due when the loop comes round is fired at once:
 * a late arrival is sent late and its delay recorded, never re-timed and never skipped (wrk2, LoadGen).
 */
export class Pacer {
  readonly #options: PacerOptions;
  #cancel: CancelCall | undefined;
  #pending = false;
  #untilNs = Number.POSITIVE_INFINITY;

  constructor(options: PacerOptions) {
    this.#options = options;
  }

  /** Whether every arrival was handed on. */
  get finished(): boolean {
    return !this.#pending;
  }

  /** Moves to the first arrival and waits for it. */
  start(): void {
    this.#advance();
    this.#wait();
  }

  /** Arrivals at or after `untilNs` (run clock) are not of this pacer any more. */
  endAt(untilNs: number): void {
    this.#untilNs = Math.min(this.#untilNs, untilNs);
    if (this.#pending && this.#options.arrivals.intendedAtNs >= this.#untilNs) this.stop();
  }

  /** Hands on whatever is due now, without waiting for the timer. */
  poll(): void {
    if (!this.#pending) return;
    this.#cancel?.();
    this.#fireDue();
    this.#wait();
  }

  /** Hands nothing on any more. */
  stop(): void {
    this.#cancel?.();
    this.#cancel = undefined;
    this.#pending = false;
  }

  #advance(): void {
    const { arrivals } = this.#options;
    this.#pending = arrivals.next() && arrivals.intendedAtNs < this.#untilNs;
    if (this.#pending) this.#options.prepare(arrivals.index);
  }

  #wait(): void {
    if (!this.#pending) return;
    const { clock, arrivals, clockAheadNs } = this.#options;
    this.#cancel = clock.callPrecisely(arrivals.intendedAtNs + clockAheadNs, this.#wake);
  }

  readonly #wake = (): void => {
    this.#fireDue();
    this.#wait();
  };

  #fireDue(): void {
    const { clock, arrivals, clockAheadNs, fire } = this.#options;
    // One clock read for the whole batch, so that every decision below sees the same instant.
    const nowNs = clock.nowNs();
    while (this.#pending && arrivals.intendedAtNs + clockAheadNs <= nowNs) {
      fire(arrivals.index, arrivals.intendedAtNs, nowNs);
      this.#advance();
    }
  }
}
