import { execFileSync } from "node:child_process";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import type { Result } from "../../coordinator/show/result.ts";
import type { ReaderOrder } from "../reader.ts";
import type { Client, Reported } from "./client.ts";

const ROOT = fileURLToPath(new URL("../../", import.meta.url));
const BUILT = join(ROOT, "dist/cli/loadline.js");
const READER = fileURLToPath(new URL("../reader.ts", import.meta.url));

/** Makes what `loadline` drives. */
export function buildLoadline(): void {
  execFileSync("npm", ["run", "-s", "build"], { cwd: ROOT, stdio: "inherit" });
}

/** Coordinator and one agent, as installed: the peers are too, and a checkout pays for a compiler in each process. */
export const loadline: Client = {
  name: "Loadline",
  commandFor: (load) => ({
    command: process.execPath,
    args: [
      ...[BUILT, "run", "--target", load.url, "--model", "sim", "--agents", "1"],
      ...["--rate", String(load.ratePerSecond), "--arrivals", "poisson"],
      ...["--duration", `${load.seconds}s`, "--seed", "7"],
      ...["--prompt-tokens", String(load.promptTokens)],
      ...["--output-tokens", String(load.outputTokens)],
      // As with the peers, what it thinks of the rate beforehand stops nothing.
      ...["--beyond-clean-rate", "--json", "--out", join(load.folder, "run")],
    ],
  }),
  readReported: (_load, printed) => Promise.resolve(readLoadlineReport(printed)),
};

/** What `loadline run --json` prints: its headline TTFT, from the intended instant. */
export function readLoadlineReport(printed: string): Reported {
  const result = JSON.parse(printed) as Result;
  const probe = result.probes[0];
  const reason = result.validity.reasons[0]?.split(";")[0];
  const verdict = result.validity.verdict + (reason === undefined ? "" : `: ${reason}`);
  return {
    client: `Loadline ${result.loadline} (${verdict})`,
    ttftP50Ms: probe?.ttftMs.p50 ?? null,
    ttftP99Ms: probe?.ttftMs.p99 ?? null,
    asked: probe?.countsByOutcome.scheduled ?? 0,
  };
}

/** The least that a client of streams can cost; it keeps equal gaps, and measures no latency. */
export const bareReader: Client = {
  name: "bare `node:net` reader",
  commandFor: (load) => {
    const order: ReaderOrder = {
      port: Number(new URL(load.url).port),
      ratePerSecond: load.ratePerSecond,
      seconds: load.seconds,
      warmSeconds: 0,
      outputTokens: load.outputTokens,
    };
    return { command: process.execPath, args: [READER, JSON.stringify(order)] };
  },
  readReported: (load) =>
    Promise.resolve({
      client: "bare `node:net` reader (equal gaps, only counts)",
      ttftP50Ms: null,
      ttftP99Ms: null,
      asked: load.ratePerSecond * load.seconds,
    }),
};
