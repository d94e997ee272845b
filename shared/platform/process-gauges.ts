import { readFileSync } from "node:fs";
import { PerformanceObserver, performance } from "node:perf_hooks";
import { NS_PER_MS, NS_PER_SECOND } from "../units.ts";
import type { CancelCall } from "../time/clock.ts";
import type { SystemClock } from "./system-clock.ts";

/** What the machine says of this process. */
export class SystemGauges {
  readonly #clock: SystemClock;
  #lastUtilisation = performance.eventLoopUtilization();
  #lastTailNs: number;

  constructor(clock: SystemClock) {
    this.#clock = clock;
    this.#lastTailNs = clock.tailNs;
  }

  cpuSeconds(): number {
    const { user, system } = process.cpuUsage();
    return (user + system) / 1e6;
  }

  rssBytes(): number {
    return process.memoryUsage.rss();
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

  /** cgroup v2's throttled time, or v1's; 0 where neither is there. */
  throttledNs(): number {
    for (const file of CPU_STAT_FILES) {
      const text = readIfThere(file);
      const usec = /^throttled_usec (\d+)$/m.exec(text)?.[1];
      if (usec !== undefined) return Number(usec) * (NS_PER_SECOND / 1e6);
      const ns = /^throttled_time (\d+)$/m.exec(text)?.[1];
      if (ns !== undefined) return Number(ns);
    }
    return 0;
  }
}

const CPU_STAT_FILES = ["/sys/fs/cgroup/cpu.stat", "/sys/fs/cgroup/cpu/cpu.stat"] as const;

function readIfThere(file: string): string {
  try {
    return readFileSync(file, "utf8");
  } catch {
    return "";
  }
}
