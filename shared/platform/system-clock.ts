import { NS_PER_MS } from "../units.ts";
import type { CancelCall, Clock } from "../time/clock.ts";

/**
 * How long before its instant a precise call is to stop sleeping and begin its tail: libuv counts whole ms of the
 * machine's clock, and a timer comes within 1 ms after the one that it is for; the kernel wakes some 60 µs after that.
 */
const TAIL_NS = 1.15 * NS_PER_MS;
/** A turn of the loop shorter than this found nothing to do, or next to nothing: the loop has time for a nap. */
const IDLE_TURN_NS = 60_000;
/**
 * The longest nap, as a part of the time that the call was asked for ahead of its instant, and its bounds: what comes in
 * meanwhile is read that much later, at worst. Where calls are far apart their tails are few, so naps twice as long
 * make reads no later on average, and cost half as much.
 */
const NAP_PART = 0.04;
const NAP_NS_MIN = 200_000;
const NAP_NS_MAX = 400_000;
/** How much later than asked the kernel ends a nap: 50 µs of timer slack, and the way back. */
const WAKE_NS = 65_000;
/** A nap shorter than this is not worth its system call. */
const NAP_LEAST_NS = 10_000;
/** A longer timer is cut in pieces: setTimeout takes 31 bits of ms. */
const SLEEP_MS_MAX = 60_000;

/** The machine's monotonic clock; its zero is the start of this process. */
export class SystemClock implements Clock {
  #tailNs = 0;
  /** What libuv's clock shows at this one's zero, ms. */
  readonly #loopZeroMs = Number(process.hrtime.bigint()) / NS_PER_MS - performance.now();
  /** Nobody ever wakes who waits on it. */
  readonly #never = new Int32Array(new SharedArrayBuffer(Int32Array.BYTES_PER_ELEMENT));

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
   * As `callAt`, but within some 10 µs when the loop is free. Sleeps until about 1 ms before the instant; in the tail
   * that is left it takes turns of the event loop (`setImmediate`), so that sockets are read, and naps between turns
   * that found nothing to do. A nap blocks the thread for 0.2 to 0.4 ms at most and costs 20 µs of CPU; looking at the
   * clock for as long would cost all of it. A busy loop does not nap.
   */
  callPrecisely(atNs: number, task: () => void): CancelCall {
    return new PreciseCall(this, { atNs, task }).cancel;
  }

  /** The whole ms that libuv's clock, which timers are counted by, shows at `atNs`. */
  loopMs(atNs: number): number {
    return Math.floor(this.#loopZeroMs + atNs / NS_PER_MS);
  }

  /** Blocks the thread for `durationNs` where that is worth its system call. Until when, on this clock. */
  nap(durationNs: number): number {
    const fromNs = this.nowNs();
    if (durationNs < NAP_LEAST_NS) return fromNs;
    Atomics.wait(this.#never, 0, 0, durationNs / NS_PER_MS);
    const untilNs = this.nowNs();
    this.#tailNs += untilNs - fromNs;
    return untilNs;
  }
}

/**
 * One call of `callPrecisely`. A class, not closures: thousands of turns a second write `#turnFromNs`, and a number in
 * a field is written in its place, where one that a closure holds is a new object each time.
 */
class PreciseCall {
  readonly #clock: SystemClock;
  readonly #atNs: number;
  readonly #task: () => void;
  readonly #napNs: number;
  #turnFromNs = 0;
  #timer: NodeJS.Timeout | undefined;
  #turn: NodeJS.Immediate | undefined;

  constructor(
    clock: SystemClock,
    { atNs, task }: { readonly atNs: number; readonly task: () => void },
  ) {
    this.#clock = clock;
    this.#atNs = atNs;
    this.#task = task;
    const aheadNs = atNs - clock.nowNs();
    this.#napNs = Math.min(NAP_NS_MAX, Math.max(NAP_NS_MIN, NAP_PART * aheadNs));
    this.#sleep();
  }

  readonly cancel = (): void => {
    clearTimeout(this.#timer);
    clearImmediate(this.#turn);
  };

  readonly #sleep = (): void => {
    const nowNs = this.#clock.nowNs();
    // In libuv's own ms: the difference of the two instants, rounded down, would begin the tail 0.5 ms sooner on average.
    const sleepMs = this.#clock.loopMs(this.#atNs - TAIL_NS) - this.#clock.loopMs(nowNs);
    if (sleepMs < 1) {
      this.#turnFromNs = nowNs;
      this.#turn = setImmediate(this.#look);
    } else {
      this.#timer = setTimeout(
        sleepMs > SLEEP_MS_MAX ? this.#sleep : this.#startTail,
        Math.min(sleepMs, SLEEP_MS_MAX),
      );
    }
  };

  readonly #startTail = (): void => {
    this.#turnFromNs = this.#clock.nowNs();
    this.#look();
  };

  readonly #look = (): void => {
    let nowNs = this.#clock.nowNs();
    // A short turn found nothing to do.
    if (nowNs < this.#atNs && nowNs - this.#turnFromNs < IDLE_TURN_NS)
      nowNs = this.#clock.nap(Math.min(this.#napNs, this.#atNs - nowNs - WAKE_NS));
    if (nowNs >= this.#atNs) {
      this.#task();
      return;
    }
    this.#turnFromNs = nowNs;
    this.#turn = setImmediate(this.#look);
  };
}
