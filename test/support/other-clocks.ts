import { spawnSync } from "node:child_process";
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import type { TestContext } from "node:test";
import { temporaryFolder } from "./cli.ts";

/** A wall clock of one process's own, which a test may step. */
export interface SteppedClock {
  readonly environment: Readonly<Record<string, string>>;
  /** From now on it is this far off the machine's, s. */
  step(aheadS: number): Promise<void>;
}

/** The machine's wall clock, until it is stepped; undefined, and said loudly, where there is no faketime. */
export async function steppedClock(context: TestContext): Promise<SteppedClock | undefined> {
  const { stdout, status } = spawnSync("faketime", ["-f", "+0", "printenv", "LD_PRELOAD"], {
    encoding: "utf8",
  });
  if (status !== 0) {
    loud("NOT TESTED with a wall clock that steps: faketime is not installed");
    return undefined;
  }
  const file = join(await temporaryFolder(context), "wall-clock");
  const step = (aheadS: number): Promise<void> =>
    writeFile(file, `${aheadS < 0 ? "" : "+"}${aheadS}\n`);
  await step(0);
  const environment = {
    LD_PRELOAD: stdout.trim(),
    FAKETIME_TIMESTAMP_FILE: file,
    FAKETIME_NO_CACHE: "1",
    FAKETIME_DONT_FAKE_MONOTONIC: "1",
  };
  return { environment, step };
}

/** Put before a command, it gives that process a monotonic clock this far ahead; undefined, and said loudly, where it cannot. */
export function withMonotonicAhead(aheadS: number): readonly string[] | undefined {
  const [unshare = "", ...options] = [
    ...["unshare", "--time", "--monotonic", String(aheadS), "--boottime", String(aheadS)],
    // A time namespace begins with a child.
    ...["--fork", "--kill-child"],
  ];
  if (spawnSync(unshare, [...options, "true"]).status === 0) return [unshare, ...options];
  loud("NOT TESTED with another monotonic clock: it needs root and time namespaces");
  return undefined;
}

function loud(why: string): void {
  process.stderr.write(`\n*** ${why} ***\n\n`);
}
