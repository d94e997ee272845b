import { readdirSync, readFileSync } from "node:fs";
import { parseStat, type ProcessStat, pssMb } from "../process-stat.ts";

/** What a process and all that it started had used by an instant. */
export interface TreeSample {
  /** The host's monotonic clock, as the server's log. */
  readonly atNs: number;
  /** User and system time since each process's start; what a process used after its last sample is missing. */
  readonly cpuSeconds: number;
  /** Proportional set size; undefined where it was not looked at. */
  readonly memoryMb: number | undefined;
}

const EVERY_MS = 500;
/** Reading a large process's map halts it for a while. */
const MEMORY_EVERY = 10;

/** Samples a process tree until it is stopped (Linux). */
export class TreeWatch {
  readonly #root: number;
  /** As last seen, by pid. */
  readonly #seen = new Map<number, ProcessStat>();
  readonly #samples: TreeSample[] = [];
  readonly #timer: NodeJS.Timeout;

  /** @param root leads a session of its own, so that children whose parent is gone are still found. */
  constructor(root: number) {
    this.#root = root;
    this.#timer = setInterval(() => {
      this.#sample();
    }, EVERY_MS);
  }

  stop(): readonly TreeSample[] {
    clearInterval(this.#timer);
    return this.#samples;
  }

  /** Kills what is left of the tree. */
  kill(): void {
    for (const { pid } of this.#members()) killIfThere(pid);
  }

  #sample(): void {
    const atNs = Number(process.hrtime.bigint());
    const members = this.#members();
    for (const member of members) this.#seen.set(member.pid, member);
    const cpuSeconds = [...this.#seen.values()].reduce((sum, each) => sum + each.cpuSeconds, 0);
    const looks = this.#samples.length % MEMORY_EVERY === MEMORY_EVERY - 1;
    const memoryMb = looks ? members.reduce((sum, { pid }) => sum + pssMb(pid), 0) : undefined;
    this.#samples.push({ atNs, cpuSeconds, memoryMb });
  }

  #members(): readonly ProcessStat[] {
    const all = readdirSync("/proc")
      .filter((name) => /^\d+$/.test(name))
      .flatMap((pid) => parseStat(readIfThere(`/proc/${pid}/stat`)) ?? []);
    return membersOf(all, this.#root, this.#seen);
  }
}

/** The root's session, and whatever descends from it or from a process that was seen to. */
export function membersOf(
  all: readonly ProcessStat[],
  root: number,
  seen: ReadonlyMap<number, ProcessStat>,
): readonly ProcessStat[] {
  const within = new Set<number>();
  for (const { pid, session, startedAt } of all)
    if (session === root || seen.get(pid)?.startedAt === startedAt) within.add(pid);
  for (let before = 0; before !== within.size; ) {
    before = within.size;
    for (const { pid, parent } of all) if (within.has(parent)) within.add(pid);
  }
  return all.filter(({ pid }) => within.has(pid));
}

/** Empty where the process ended meanwhile. */
function readIfThere(path: string): string {
  try {
    return readFileSync(path, "utf8");
  } catch {
    return "";
  }
}

function killIfThere(pid: number): void {
  try {
    process.kill(pid, "SIGKILL");
  } catch {
    // It ended by itself.
  }
}
