import { mkdirSync, readFileSync, rmdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { TestContext } from "node:test";

const MOUNT = "/sys/fs/cgroup";
const PERIOD_US = 100_000;

/** A control group whose processes get part of a core. */
export interface CpuQuota {
  /** Takes a process in. */
  hold(pid: number): void;
  /** Takes the limit off. Who is within stays: the group's counts are theirs. */
  lift(): void;
  /** How long it held them back so far, ms. */
  heldBackMs(): number;
}

/** By version 1 or 2 of control groups; undefined where neither can be made here, which is said loudly. */
export function cpuQuota(context: TestContext, coreFraction: number): CpuQuota | undefined {
  const quotaUs = Math.round(coreFraction * PERIOD_US);
  const makers = [
    { parent: join(MOUNT, "cpu"), file: "cpu.cfs_quota_us", text: String(quotaUs), none: "-1" },
    { parent: MOUNT, file: "cpu.max", text: `${quotaUs} ${PERIOD_US}`, none: "max" },
  ];
  for (const { parent, file, text, none } of makers) {
    const group = join(parent, `loadline-test-${process.pid}`);
    try {
      mkdirSync(group);
    } catch {
      continue;
    }
    context.after(() => {
      rmdirSync(group);
    });
    try {
      writeFileSync(join(group, file), text);
    } catch {
      continue;
    }
    return {
      hold: (pid) => {
        writeFileSync(join(group, "cgroup.procs"), String(pid));
      },
      lift: () => {
        writeFileSync(join(group, file), none);
      },
      heldBackMs: () => {
        const text = readFileSync(join(group, "cpu.stat"), "utf8");
        const [, unit, amount] = /^throttled_(time|usec) (\d+)$/m.exec(text) ?? [];
        return Number(amount ?? 0) / (unit === "usec" ? 1e3 : 1e6);
      },
    };
  }
  process.stderr.write("\n*** NOT TESTED with a CPU quota: no control group can be made ***\n\n");
  return undefined;
}
