import { setTimeout as delay } from "node:timers/promises";
import type { SinkEntry } from "../shared/measurement/sink-entry.ts";
import { NS_PER_MS, NS_PER_SECOND } from "../shared/units.ts";
import { quantileOf } from "./quantile.ts";
import { runLoad } from "./run.ts";
import type { Sink } from "./sink.ts";
import type { Row } from "./table.ts";

const LOAD = { ratePerSecond: 50, outputTokens: 1, seconds: 30 };
const STALL_MS = 2_000;
/** From the first request on: the server stands still in the middle of the run. */
const STALL_AFTER_MS = 10_000;
const LOOK_EVERY_MS = 100;

/**
 * Whether the time that requests waited for a server that stood still (SIGSTOP) is in what is reported of it.
 *
 * The truth is the plan's: the n-th request was due n gaps behind the first, and was answered when the server says. No
 * instant of the agent's is in it; the fastest request of all is taken to have arrived when it was due. Which of the
 * requests that waited was answered first does not matter: they are all answered within a few ms.
 */
export async function serverStall(sink: Sink): Promise<readonly Row[]> {
  await sink.takeLog();
  const running = runLoad({ ...LOAD, url: sink.url, arrivals: "constant" });
  const [run, before] = await Promise.all([running, stallInTheMiddle(sink, running)]);
  const log = [...before, ...(await sink.takeLog())];
  const planned = LOAD.ratePerSecond * LOAD.seconds;
  if (log.length !== planned)
    throw new Error(`the server logged ${log.length} requests of ${planned}`);
  const trueMs = firstTokensMs(log);
  const { ttftMs } = run.result.probes[0] ?? {};
  const p99 = { said: ttftMs?.p99 ?? NaN, truth: quantileOf(trueMs, 0.99) };
  const max = { said: ttftMs?.max ?? NaN, truth: quantileOf(trueMs, 1) };
  const ms = (value: number): string => `${Number(value.toFixed(1)).toLocaleString("en-US")} ms`;
  const { verdict, reasons } = run.result.validity;
  const judged = reasons.length === 0 ? verdict : `${verdict}: ${reasons.join("; ")}`;
  return [
    {
      figure: `TTFT where the server stood still for 2 s of 30 s at ${LOAD.ratePerSecond}/s`,
      measured: `p99 ${ms(p99.said)}, max ${ms(max.said)} (${judged})`,
      beside: `p99 ${ms(p99.truth)}, max ${ms(max.truth)}: from the plan's instants to the server's writes`,
      ratio: worse(p99.said / p99.truth, max.said / max.truth),
      goal: "within 1 %",
    },
  ];
}

/** What was logged until then. Ends without a stall when the run does. */
async function stallInTheMiddle(
  sink: Sink,
  running: Promise<unknown>,
): Promise<readonly SinkEntry[]> {
  const ended = running.then(
    () => true,
    () => true,
  );
  let log: readonly SinkEntry[] = [];
  while (log.length === 0) {
    if (await Promise.race([ended, delay(LOOK_EVERY_MS, false)])) return [];
    log = await sink.takeLog();
  }
  await delay(STALL_AFTER_MS);
  await sink.standStill(STALL_MS);
  return log;
}

/** From each request's intended instant to its first token, ms. */
function firstTokensMs(log: readonly SinkEntry[]): readonly number[] {
  const gapNs = NS_PER_SECOND / LOAD.ratePerSecond;
  const sorted = log.toSorted((a, b) => a.receivedAtNs - b.receivedAtNs);
  const firstDueAtNs = Math.min(...sorted.map((entry, n) => entry.receivedAtNs - n * gapNs));
  return sorted.map(
    (entry, n) => ((entry.writtenAtNs[0] ?? NaN) - firstDueAtNs - n * gapNs) / NS_PER_MS,
  );
}

/** The one of two ratios that is farther from 1. */
function worse(one: number, other: number): number {
  return Math.abs(one - 1) >= Math.abs(other - 1) ? one : other;
}
