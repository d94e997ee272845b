import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { text } from "node:stream/consumers";
import type { Result } from "../coordinator/show/result.ts";
import { readIntervals } from "../coordinator/store/intervals-file.ts";
import type { IntervalReport } from "../shared/measurement/report.ts";
import { LOADLINE } from "./server.ts";

/** One load, driven by `loadline run` with one agent process. */
export interface Load {
  readonly url: string;
  readonly ratePerSecond: number;
  readonly seconds: number;
  readonly outputTokens: number;
}

export interface Run {
  readonly result: Result;
  /** As the agent sent them, a second each: its CPU, its memory, what it saw. */
  readonly reports: readonly IntervalReport[];
}

/** Starting, draining and saving, on a slow machine. A run that takes longer is killed. */
const BESIDE_LOAD_MS = 45_000;

/** @throws Error when the run left no result. */
export async function runLoad(load: Load): Promise<Run> {
  const directory = await mkdtemp(join(tmpdir(), "loadline-bench-"));
  try {
    const out = join(directory, "run");
    const result = await resultOf(argsOf(load, out), load.seconds * 1000 + BESIDE_LOAD_MS);
    const reports: IntervalReport[] = [];
    for await (const report of readIntervals(out)) reports.push(report);
    return { result, reports };
  } finally {
    await rm(directory, { recursive: true, force: true });
  }
}

function argsOf({ url, ratePerSecond, seconds, outputTokens }: Load, out: string): string[] {
  // Evenly spaced, as the bare reader sends: the two then differ in the client only.
  const load = ["--rate", String(ratePerSecond), "--arrivals", "constant"];
  const length = ["--duration", `${seconds}s`, "--output-tokens", String(outputTokens)];
  // Whether it carries the load is what is asked.
  const place = ["--agents", "1", "--beyond-clean-rate", "--out", out, "--json"];
  return ["run", "--target", url, ...load, ...length, ...place];
}

async function resultOf(args: readonly string[], timeout: number): Promise<Result> {
  const child = spawn(process.execPath, [LOADLINE, ...args], {
    stdio: ["ignore", "pipe", "pipe"],
    timeout,
    killSignal: "SIGKILL",
  });
  const [output, errors] = await Promise.all([
    text(child.stdout),
    text(child.stderr),
    once(child, "close"),
  ]);
  // An invalid measurement ends with a code of its own, and with a result: here that is a finding.
  if (output === "") throw new Error(`loadline ${args.join(" ")} gave no result: ${errors}`);
  return JSON.parse(output) as Result;
}
