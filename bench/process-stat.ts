import { readFileSync } from "node:fs";

/** What `/proc` tells of a process. */
export interface ProcessStat {
  readonly pid: number;
  readonly parent: number;
  readonly session: number;
  /** Ticks since the host's start: with `pid`, one process and no later one of that number. */
  readonly startedAt: number;
  readonly cpuSeconds: number;
}

/** USER_HZ of every Linux that Node runs on. */
const TICKS_PER_SECOND = 100;
/** "kB" of /proc are 1,024 bytes (proc(5)). */
const BYTES_PER_KB = 1_024;

/** What a process holds, MB (10⁶ bytes), pages that it shares by their part; 0 where it is gone, or no Linux. */
export function pssMb(pid: number | string): number {
  try {
    const rollup = readFileSync(`/proc/${pid}/smaps_rollup`, "utf8");
    return (Number(/^Pss: +(\d+) kB$/m.exec(rollup)?.[1] ?? 0) * BYTES_PER_KB) / 1e6;
  } catch {
    return 0;
  }
}

/** `/proc/PID/stat`: a name in brackets that may hold anything, then fields by their place (proc(5)). */
export function parseStat(text: string): ProcessStat | undefined {
  const nameEnd = text.lastIndexOf(")");
  if (nameEnd < 0) return undefined;
  const fields = text.slice(nameEnd + 2).split(" ");
  const field = (place: number): number => Number(fields[place - 3]);
  return {
    pid: Number.parseInt(text, 10),
    parent: field(4),
    session: field(6),
    startedAt: field(22),
    cpuSeconds: (field(14) + field(15)) / TICKS_PER_SECOND,
  };
}

/** User and system time of processes so far, s (Linux). */
export function cpuSecondsOf(pids: readonly number[]): number {
  return pids.reduce((sum, pid) => {
    const stat = parseStat(readFileSync(`/proc/${pid}/stat`, "utf8"));
    return sum + (stat?.cpuSeconds ?? NaN);
  }, 0);
}
