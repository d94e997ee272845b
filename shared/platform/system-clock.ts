import { NS_PER_MS } from "../units.ts";
import type { CancelCall, Clock } from "../time/clock.ts";

/** How long before its instant a precise call stops sleeping and starts looking at the clock. */
const TAIL_NS = 1.5 * NS_PER_MS;
/** A turn of the loop shorter than this only looked at the clock. */
const EMPTY_TURN_NS = 50_000;
/** A longer timer is cut in pieces: setTimeout takes 31 bits of ms. */
const SLEEP_MS_MAX = 60_000;

/** The machine's monotonic clock; its zero is the start of this process. */
export class SystemClock implements Clock {
  #tailNs = 0;

  /** Time spent so far in the waiting tails of precise calls: busy for the event loop, idle in truth. */
  get tailNs(): number {
    return this.#tailNs;
  }

  nowNs(): number {
    // Whole ns; a double holds them exactly for 104 days.
    return Math.round(performance.now() * NS_PER_MS);
  }

  callAt(atNs: number, task: () => void): CancelCall {
    let timer: NodeJS.Timeout | undefined;
    const sleep = (): void => {
      const leftMs = (atNs - this.nowNs()) / NS_PER_MS;
      // Node's timers are whole ms and may be early by a fraction: look again rather than call before the instant.
      timer = setTimeout(
        leftMs <= 0 ? task : wake,
        Math.min(Math.max(0, Math.ceil(leftMs)), SLEEP_MS_MAX),
      );
    };
    const wake = (): void => {
      if (this.nowNs() >= atNs) task();
      else sleep();
    };
    sleep();
    return () => {
      clearTimeout(timer);
    };
  }

  /**
   * As `callAt`, but within a few µs when the loop is free: sleeps until 1.5 ms before the instant, then takes
   * turns of the event loop (`setImmediate`), which lets sockets be read in between.
   */
  callPrecisely(atNs: number, task: () => void): CancelCall {
    let timer: NodeJS.Timeout | undefined;
    let turn: NodeJS.Immediate | undefined;
    let tailFromNs = 0;
    const look = (): void => {
      const nowNs = this.nowNs();
      // A longer turn did somebody's work; only an empty one is waiting.
      if (nowNs - tailFromNs < EMPTY_TURN_NS) this.#tailNs += nowNs - tailFromNs;
      tailFromNs = nowNs;
      if (nowNs >= atNs) task();
      else turn = setImmediate(look);
    };
    const startTail = (): void => {
      tailFromNs = this.nowNs();
      look();
    };
    const sleep = (): void => {
      const leftMs = (atNs - TAIL_NS - this.nowNs()) / NS_PER_MS;
      if (leftMs < 1) {
        tailFromNs = this.nowNs();
        turn = setImmediate(look);
      } else {
        timer = setTimeout(
          leftMs > SLEEP_MS_MAX ? sleep : startTail,
          Math.min(Math.ceil(leftMs), SLEEP_MS_MAX),
        );
      }
    };
    sleep();
    return () => {
      clearTimeout(timer);
      clearImmediate(turn);
    };
  }
}
