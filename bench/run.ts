import { execFileSync, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { text } from "node:stream/consumers";
import { fileURLToPath } from "node:url";
import type { Result } from "../coordinator/show/result.ts";
import { readIntervals } from "../coordinator/store/intervals-file.ts";
import { readRequests, type RequestLine } from "../coordinator/store/requests-file.ts";
import type { IntervalReport } from "../shared/measurement/report.ts";
import { pssMb } from "./process-stat.ts";
import { CLIENT_CORE, moveToCore, SERVER_CORE, yieldingOnCore } from "./cores.ts";

const ROOT = new URL("../", import.meta.url);
const LOADLINE = fileURLToPath(new URL("cli/loadline.ts", ROOT));
/** What is installed: without the compiler that runs a checkout's TypeScript, 20 MB a process. */
const BUILT = fileURLToPath(new URL("dist/cli/loadline.js", ROOT));

/** One load, driven by `loadline run`. */
export interface Load {
  readonly url: string;
  readonly ratePerSecond: number;
  readonly seconds: number;
  readonly outputTokens: number;
  readonly arrivals?: "constant" | "poisson";
  readonly agents?: number;
  /** Of all agents. */
  readonly maxInFlight?: number;
  /** Looks at the memory each second: walking through a process's pages holds it up. */
  readonly memory?: boolean;
  /** Runs what `npm run build` makes rather than the checkout. */
  readonly built?: boolean;
}

export interface Run {
  readonly result: Result;
  /** As the agents sent them, a second each: their CPU, what they saw. */
  readonly reports: readonly IntervalReport[];
  readonly requests: readonly RequestLine[];
  /** Proportional set size of the coordinator and its agents, MB, about once a second; empty where it is not asked for, or not told. */
  readonly memoryMb: readonly number[];
}

/** Starting, draining and saving, on a slow machine. A run that takes longer is killed. */
const BESIDE_LOAD_MS = 45_000;
const LOOK_EVERY_MS = 1_000;
/** Agents calibrate themselves for longer than that, so they are moved before. */
const MOVE_EVERY_MS = 50;

/** @throws Error when the run left no result. */
export async function runLoad(load: Load): Promise<Run> {
  const directory = await mkdtemp(join(tmpdir(), "loadline-bench-"));
  try {
    const out = join(directory, "run");
    const { result, memoryMb } = await drive(argsOf(load, out), load);
    const reports: IntervalReport[] = [];
    for await (const report of readIntervals(out)) reports.push(report);
    const requests: RequestLine[] = [];
    for await (const request of readRequests(out)) requests.push(request);
    return { result, reports, requests, memoryMb };
  } finally {
    await rm(directory, { recursive: true, force: true });
  }
}

function argsOf(load: Load, out: string): string[] {
  const { url, ratePerSecond, seconds, outputTokens, arrivals = "constant", agents = 1 } = load;
  return [
    ...["run", "--target", url, "--model", "null", "--agents", String(agents)],
    ...["--rate", String(ratePerSecond), "--arrivals", arrivals],
    ...["--duration", `${seconds}s`, "--output-tokens", String(outputTokens)],
    // The ladder goes to where validity ends, whatever the agents think of themselves.
    ...["--out", out, "--json", "--beyond-clean-rate"],
    ...(load.maxInFlight === undefined ? [] : ["--max-in-flight", String(load.maxInFlight)]),
  ];
}

async function drive(
  args: readonly string[],
  { seconds, agents = 1, memory = false, built = false }: Load,
): Promise<{ result: Result; memoryMb: readonly number[] }> {
  if (built) execFileSync("npm", ["run", "-s", "build"], { cwd: fileURLToPath(ROOT) });
  const pinned = yieldingOnCore(SERVER_CORE, [built ? BUILT : LOADLINE, ...args]);
  const child = spawn(pinned.command, pinned.args, {
    stdio: ["ignore", "pipe", "pipe"],
    timeout: seconds * 1000 + BESIDE_LOAD_MS,
    killSignal: "SIGKILL",
  });
  const moved = new Set<string>();
  const moving = setInterval(() => {
    void childrenOf(child.pid ?? 0).then((pids) => {
      for (const pid of pids.filter((each) => !moved.has(each))) {
        moved.add(pid);
        moveToCore(CLIENT_CORE, pid);
      }
      if (moved.size >= agents) clearInterval(moving);
    });
  }, MOVE_EVERY_MS);
  const memoryMb: number[] = [];
  const look = (): void => {
    void familyMb(child.pid ?? 0).then((mb) => {
      if (mb > 0) memoryMb.push(mb);
    });
  };
  const looking = memory ? setInterval(look, LOOK_EVERY_MS) : undefined;
  const [output, errors] = await Promise.all([
    text(child.stdout),
    text(child.stderr),
    once(child, "close"),
  ]);
  clearInterval(looking);
  clearInterval(moving);
  // An invalid measurement ends with a code of its own, and with a result: here that is a finding.
  if (output === "") throw new Error(`loadline ${args.join(" ")} gave no result: ${errors}`);
  return { result: JSON.parse(output) as Result, memoryMb };
}

/** What a process and its children hold. */
async function familyMb(pid: number): Promise<number> {
  const pids = [String(pid), ...(await childrenOf(pid))];
  return pids.reduce((sum, each) => sum + pssMb(each), 0);
}

/** Empty where it is not told. */
async function childrenOf(pid: number): Promise<readonly string[]> {
  const children = await readFile(`/proc/${pid}/task/${pid}/children`, "utf8").catch(() => "");
  return children.split(" ").filter((each) => each !== "");
}
