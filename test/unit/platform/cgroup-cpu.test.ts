import assert from "node:assert/strict";
import { test } from "node:test";
import { throttledNs } from "../../../shared/platform/cgroup-cpu.ts";

const V1 = (ns: number): string => `nr_periods 21\nnr_throttled 19\nthrottled_time ${ns}\n`;
const V2 = (us: number): string => `usage_usec 9\nnr_throttled 19\nthrottled_usec ${us}\n`;
const SELF_V1 = "9:memory:/box\n4:cpu,cpuacct:/box/agent\n1:name=systemd:/\n0::/\n";

/** A file system of just these files. */
function files(contents: Readonly<Record<string, string>>): (file: string) => string {
  return (file) => contents[file] ?? "";
}

test("throttled time is that of the innermost group that tells it, of either version", () => {
  const root = { "/sys/fs/cgroup/cpu.stat": V2(1), "/sys/fs/cgroup/cpu/cpu.stat": V1(1) };
  const cases: readonly (readonly [string, Readonly<Record<string, string>>, number])[] = [
    [
      "version 2",
      {
        ...root,
        "/proc/self/cgroup": "0::/box/agent\n",
        "/sys/fs/cgroup/box/agent/cpu.stat": V2(5_000),
      },
      5e6,
    ],
    [
      "version 1 beside an empty version 2",
      {
        "/proc/self/cgroup": SELF_V1,
        "/sys/fs/cgroup/cpu,cpuacct/box/agent/cpu.stat": V1(7e6),
        "/sys/fs/cgroup/cpu/cpu.stat": V1(1),
      },
      7e6,
    ],
    [
      "version 1, mounted by one of its names",
      { "/proc/self/cgroup": SELF_V1, "/sys/fs/cgroup/cpu/box/agent/cpu.stat": V1(8e6) },
      8e6,
    ],
    [
      "a container that sees its host's path",
      { "/proc/self/cgroup": "0::/host/pod1\n", "/sys/fs/cgroup/cpu.stat": V2(4) },
      4_000,
    ],
    ["no cgroups at all", {}, 0],
  ];
  for (const [name, contents, wanted] of cases)
    assert.equal(throttledNs(files(contents)), wanted, name);
});

test("on this machine it is a time", () => {
  assert.ok(throttledNs() >= 0);
});
