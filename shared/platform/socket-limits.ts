import { readFileSync } from "node:fs";

/**
 * What the system lets this process open; undefined where it does not say (it is read from Linux's /proc). Node raises
 * its soft limit of open files to the hard one when it starts, so there is nothing left to raise.
 */
export function socketLimits(): {
  readonly descriptorsMax: number | undefined;
  readonly localPorts: number | undefined;
} {
  return {
    descriptorsMax: descriptorsIn(readIfThere("/proc/self/limits")),
    localPorts: portsIn(readIfThere("/proc/sys/net/ipv4/ip_local_port_range")),
  };
}

/** The soft limit of /proc/self/limits (proc_pid_limits(5)). */
export function descriptorsIn(text: string): number | undefined {
  const [, soft] = /^Max open files +(\S+)/m.exec(text) ?? [];
  if (soft === undefined) return undefined;
  return soft === "unlimited" ? Infinity : Number(soft);
}

/** "32768 60999": both ends may be given out (ip(7)). */
export function portsIn(text: string): number | undefined {
  const [, from, to] = /^(\d+)\s+(\d+)/.exec(text) ?? [];
  if (from === undefined || to === undefined) return undefined;
  return Math.max(0, Number(to) - Number(from) + 1);
}

function readIfThere(file: string): string {
  try {
    return readFileSync(file, "utf8");
  } catch {
    return "";
  }
}
