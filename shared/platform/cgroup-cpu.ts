import { readFileSync } from "node:fs";
import { NS_PER_US } from "../units.ts";

const SELF_CGROUP = "/proc/self/cgroup";
const MOUNT = "/sys/fs/cgroup";

/**
 * How long this process's cgroup was held back by its CPU quota so far, ns; 0 where that cannot be known. Of nested
 * groups the innermost speaks, then the root that a container sees.
 */
export function throttledNs(read: (file: string) => string = readIfThere): number {
  for (const file of cpuStatFiles(read(SELF_CGROUP))) {
    const text = read(file);
    const us = /^throttled_usec (\d+)$/m.exec(text)?.[1];
    if (us !== undefined) return Number(us) * NS_PER_US;
    const ns = /^throttled_time (\d+)$/m.exec(text)?.[1];
    if (ns !== undefined) return Number(ns);
  }
  return 0;
}

/**
 * Lines of cgroups(7): `0::/path` is version 2, `4:cpu,cpuacct:/path` a controller of version 1. Within a container
 * the path may be the host's, which is not there: then the mount's root is the container's own group.
 */
function cpuStatFiles(selfCgroup: string): readonly string[] {
  const groups = selfCgroup.split("\n").flatMap((line) => {
    const [, controllers, path] = /^\d+:([^:]*):(.*)$/.exec(line) ?? [];
    if (controllers === undefined || path === undefined) return [];
    if (controllers === "") return [`${MOUNT}${path}`];
    return controllers.split(",").includes("cpu")
      ? [`${MOUNT}/${controllers}${path}`, `${MOUNT}/cpu${path}`]
      : [];
  });
  return [...groups, MOUNT, `${MOUNT}/cpu`].map((group) => `${group.replace(/\/$/, "")}/cpu.stat`);
}

function readIfThere(file: string): string {
  try {
    return readFileSync(file, "utf8");
  } catch {
    return "";
  }
}
