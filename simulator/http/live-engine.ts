import type { CancelCall, Clock } from "../../shared/time/clock.ts";
import type { SchedulerConfig, Work } from "../scheduler/config.ts";
import type { Job, SchedulerEvents } from "../scheduler/ports.ts";
import { createScheduler } from "../scheduler/scheduler.ts";
import type { TimeWarp } from "../scheduler/time-warp.ts";
import type { WarpedScheduler } from "../scheduler/warped.ts";
import type { SchedulerGauges } from "./metrics.ts";

/** A request in service over HTTP. Instants are the engine's clock, ns. */
export interface LiveRequest extends Work {
  onStart(atNs: number): void;
  /** @returns false to leave at `atNs`; nothing more is told then. */
  onToken(atNs: number, k: number): boolean;
  /**
   * Sends what came since the last call, now.
   * @returns false to leave now: the client does not read.
   */
  flush(nowNs: number): boolean;
}

interface Entry extends Work, Submitted {
  job: Job<Entry> | undefined;
  /** Has something to flush. */
  dirty: boolean;
}

/** A request in the engine, to give it up by. */
export interface Submitted {
  readonly live: LiveRequest;
}

/**
 * Drives a scheduler by a real clock. The queue lives in virtual time: a late wake-up tells tokens late, but
 * each service still starts and ends at its own instant, so the event loop's delays never shift the capacity.
 */
export class LiveEngine {
  readonly #clock: Clock;
  readonly #scheduler: WarpedScheduler<Entry>;
  readonly #events: SchedulerEvents<Entry>;
  #dirty: Entry[] = [];
  #cancelWake: CancelCall | undefined;
  #wakeAtNs = Infinity;
  #closed = false;

  constructor(clock: Clock, config: SchedulerConfig, seed: number) {
    this.#clock = clock;
    this.#scheduler = createScheduler<Entry>(config, seed);
    this.#events = {
      onStart: (entry, atNs) => {
        entry.live.onStart(atNs);
      },
      onToken: (entry, atNs, k) => {
        this.#markDirty(entry);
        if (!entry.live.onToken(atNs, k) && entry.job !== undefined) {
          this.#scheduler.cancel(atNs, entry.job);
        }
      },
      onDone: () => undefined,
    };
  }

  nowNs(): number {
    return this.#clock.nowNs();
  }

  gauges(): SchedulerGauges {
    this.#catchUp(this.nowNs());
    return {
      running: this.#scheduler.running(),
      waiting: this.#scheduler.waiting(),
      occupancy: this.#scheduler.occupancy(),
    };
  }

  /** @param arrivedAtNs as `nowNs` said just now, after `gauges` if that was asked. */
  submit(arrivedAtNs: number, live: LiveRequest): Submitted {
    this.#scheduler.advance(arrivedAtNs, this.#events);
    const entry: Entry = {
      live,
      promptTokens: live.promptTokens,
      outputTokens: live.outputTokens,
      job: undefined,
      dirty: false,
    };
    entry.job = this.#scheduler.arrive(arrivedAtNs, entry);
    this.#catchUp(arrivedAtNs);
    return entry;
  }

  /** The client left at `nowNs`, as `nowNs()` said just now. */
  cancel(submitted: Submitted, nowNs: number): void {
    this.#scheduler.advance(nowNs, this.#events);
    const { job } = submitted as Entry;
    if (job !== undefined) this.#scheduler.cancel(nowNs, job);
    this.#catchUp(nowNs);
  }

  /** @returns false when there are too many disturbances already. */
  disturb(makeWarp: (fromNs: number) => TimeWarp): boolean {
    const nowNs = this.nowNs();
    this.#catchUp(nowNs);
    const taken = this.#scheduler.disturb(makeWarp(nowNs));
    this.#rearm();
    return taken;
  }

  endDisturbances(): void {
    const nowNs = this.nowNs();
    this.#catchUp(nowNs);
    this.#scheduler.endDisturbances(nowNs);
    this.#catchUp(nowNs);
  }

  close(): void {
    this.#closed = true;
    this.#cancelWake?.();
    this.#wakeAtNs = Infinity;
  }

  #markDirty(entry: Entry): void {
    if (entry.dirty) return;
    entry.dirty = true;
    this.#dirty.push(entry);
  }

  /** Tells everything that is due, sends it, and sets the next wake-up. */
  #catchUp(nowNs: number): void {
    this.#scheduler.advance(nowNs, this.#events);
    const dirty = this.#dirty;
    if (dirty.length > 0) {
      this.#dirty = [];
      for (const entry of dirty) {
        entry.dirty = false;
        const stays = entry.live.flush(this.nowNs());
        if (!stays && entry.job !== undefined) this.#scheduler.cancel(nowNs, entry.job);
      }
    }
    this.#rearm();
  }

  #rearm(): void {
    const nextAtNs = this.#scheduler.nextEventAtNs();
    // A wake-up that is too early costs less than setting another timer at every arrival.
    if (this.#closed || nextAtNs >= this.#wakeAtNs) return;
    this.#cancelWake?.();
    this.#wakeAtNs = nextAtNs;
    this.#cancelWake = this.#clock.callAt(Math.max(nextAtNs, this.nowNs()), () => {
      this.#wakeAtNs = Infinity;
      this.#catchUp(this.nowNs());
    });
  }
}
