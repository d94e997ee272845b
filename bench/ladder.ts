import { Histogram } from "../shared/measurement/histogram.ts";
import { unitsPerTick } from "../shared/measurement/metric.ts";
import type { IntervalReport } from "../shared/measurement/report.ts";
import { NS_PER_MS } from "../shared/units.ts";
import { readBare } from "./bare.ts";
import { runLoad } from "./run.ts";
import type { Server } from "./server.ts";
import { type Row, significant } from "./table.ts";

const SECONDS = 5;
const READER_WARM_SECONDS = 1;

export interface LadderOptions {
  readonly server: Server;
  readonly outputTokens: number;
  /** Ascending, each double the one before. */
  readonly ratesPerSecond: readonly number[];
  /** No step is begun after it, on `performance.now()`. */
  readonly untilMs: number;
}

interface Step {
  readonly ratePerSecond: number;
  readonly valid: boolean;
  /** How many it took; the figures are of the last one. */
  readonly tries: number;
  /** Of the agent's own verdict; empty when valid. */
  readonly reason: string;
  readonly sendDelay: Histogram;
}

/** The highest rate that one agent offered with a valid measurement, and how late it sent at half of it. */
export async function offeredRate(options: LadderOptions): Promise<readonly Row[]> {
  const { server, outputTokens } = options;
  const steps = await climb(options);
  const held = steps.filter(({ valid }) => valid).at(-1)?.ratePerSecond;
  const half = steps.find(({ ratePerSecond }) => ratePerSecond * 2 >= (held ?? 0));
  if (half === undefined) return [];
  const bare = await readBare({
    port: server.port,
    ratePerSecond: half.ratePerSecond,
    seconds: SECONDS,
    warmSeconds: READER_WARM_SECONDS,
    outputTokens,
  });
  // What the bare reader's CPU would come to if it took a whole core.
  const bareMax = half.ratePerSecond / (bare.cpuSeconds / bare.steadySeconds);
  const streams = `${outputTokens}-token streams`;
  const p99Ms = half.sendDelay.quantile(0.99) / NS_PER_MS;
  const ends = `p50 ${ms(half.sendDelay.quantile(0.5) / NS_PER_MS)}, p99 ${ms(p99Ms)}`;
  return [
    {
      figure: `rate one agent offers validly, ${streams}`,
      measured: heldText(steps, held),
      beside: `${significant(bareMax)}/s: a whole core of the bare reader, by its CPU at ${half.ratePerSecond}/s`,
      ratio: held === undefined ? undefined : held / bareMax,
      goal: "",
    },
    {
      figure: `send delay at ${half.ratePerSecond}/s, ${streams}`,
      measured: ends,
      beside: `p50 ${ms(bare.sendDelayP50Ms)}, p99 ${ms(bare.sendDelayP99Ms)}: the bare reader's \`setTimeout\``,
      ratio: p99Ms / bare.sendDelayP99Ms,
      goal: "p99 ≤ 2 ms",
    },
  ];
}

/**
 * Stops at the first rate that was invalid twice. The better of two tries flatters, so the table says where it was
 * the second that held.
 */
async function climb(options: LadderOptions): Promise<readonly Step[]> {
  const steps: Step[] = [];
  for (const ratePerSecond of options.ratesPerSecond) {
    if (performance.now() > options.untilMs) break;
    let step = await tryStep(options, ratePerSecond);
    if (!step.valid && performance.now() < options.untilMs)
      step = { ...(await tryStep(options, ratePerSecond)), tries: 2 };
    steps.push(step);
    if (!step.valid) break;
  }
  return steps;
}

async function tryStep(
  { server, outputTokens }: LadderOptions,
  ratePerSecond: number,
): Promise<Step> {
  const load = { url: server.url, ratePerSecond, seconds: SECONDS, outputTokens };
  const { result, reports } = await runLoad(load);
  const { verdict, reasons } = result.validity;
  const [reason = ""] = reasons;
  const valid = verdict !== "invalid";
  return { ratePerSecond, valid, tries: 1, reason, sendDelay: sendDelayOf(reports) };
}

function heldText(steps: readonly Step[], held: number | undefined): string {
  const last = steps.at(-1);
  if (last === undefined) return "n/a";
  const second = steps.filter(({ valid, tries }) => valid && tries > 1);
  const retried = second
    .map(({ ratePerSecond }) => `; ${ratePerSecond}/s at the second try`)
    .join("");
  if (last.valid) return `at least ${last.ratePerSecond}/s (the ladder ended${retried})`;
  const why = last.reason.split(";")[0] ?? "";
  const reason = `not ${last.ratePerSecond}/s in ${tryCount(last.tries)}: ${why}${retried}`;
  return held === undefined ? `none (${reason})` : `${held}/s (${reason})`;
}

function tryCount(tries: number): string {
  return tries === 1 ? "1 try" : `${tries} tries`;
}

function sendDelayOf(reports: readonly IntervalReport[]): Histogram {
  const all = new Histogram(unitsPerTick("send_delay"));
  for (const { recorded, classes } of reports.flatMap(({ deltas }) => deltas)) {
    if (!recorded) continue;
    for (const metrics of classes.values()) {
      const part = metrics.get("send_delay");
      if (part !== undefined) all.add(part);
    }
  }
  return all;
}

function ms(value: number): string {
  return `${significant(value)} ms`;
}
