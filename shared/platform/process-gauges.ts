import { PerformanceObserver, performance } from "node:perf_hooks";
import { NS_PER_MS } from "../units.ts";
import type { CancelCall } from "../time/clock.ts";
import { throttledNs } from "./cgroup-cpu.ts";
import type { SystemClock } from "./system-clock.ts";

/** What the machine says of this process. */
export class SystemGauges {
  readonly #clock: Pick<SystemClock, "tailNs">;
  #lastUtilisation = performance.eventLoopUtilization();
  #lastTailNs: number;
  #lastRssBytes = 0;

  constructor(clock: Pick<SystemClock, "tailNs">) {
    this.#clock = clock;
    this.#lastTailNs = clock.tailNs;
  }

  cpuSeconds(): number {
    const { user, system } = process.cpuUsage();
    return (user + system) / 1e6;
  }

  /** The last one known where it cannot be read: it takes a file descriptor, and a full table must not end an agent. */
  rssBytes(): number {
    try {
      this.#lastRssBytes = process.memoryUsage.rss();
    } catch {
      // Sends will fail for the same reason, and are told.
    }
    return this.#lastRssBytes;
  }

  /** Since the last call, 0 to 1; the waiting tail of precise calls counts as idle. */
  eventLoopUtilisation(): number {
    const now = performance.eventLoopUtilization();
    const activeMs = now.active - this.#lastUtilisation.active;
    const wholeMs = activeMs + (now.idle - this.#lastUtilisation.idle);
    const tailMs = (this.#clock.tailNs - this.#lastTailNs) / NS_PER_MS;
    this.#lastUtilisation = now;
    this.#lastTailNs = this.#clock.tailNs;
    return wholeMs <= 0 ? 0 : Math.min(1, Math.max(0, (activeMs - tailMs) / wholeMs));
  }

  onGcPause(onPause: (durationNs: number) => void): CancelCall {
    const observer = new PerformanceObserver((list) => {
      for (const entry of list.getEntries()) onPause(entry.duration * NS_PER_MS);
    });
    observer.observe({ entryTypes: ["gc"] });
    return () => {
      observer.disconnect();
    };
  }

  throttledNs(): number {
    return throttledNs();
  }
}
