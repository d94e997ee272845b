import { Histogram } from "../shared/measurement/histogram.ts";
import { unitsPerTick } from "../shared/measurement/metric.ts";
import type { IntervalReport } from "../shared/measurement/report.ts";
import { NS_PER_MS } from "../shared/units.ts";
import { readBare } from "./bare.ts";
import { runLoad } from "./run.ts";
import type { Sink } from "./sink.ts";
import { type Row, significant } from "./table.ts";

const STEP_SECONDS = 6;
const DELAY_SECONDS = 10;
const READER_SECONDS = 6;
const READER_WARM_SECONDS = 2;
/** A step is given up after so many invalid tries: a neighbour of the machine spoils one now and then. */
const TRIES_MAX = 2;
const DELAY_FRACTIONS = [0.1, 0.5, 0.8];

export interface Ladder {
  readonly outputTokens: number;
  /** Ascending. */
  readonly ratesPerSecond: readonly number[];
  readonly goal: string;
}

export interface Held {
  /** The highest rate that was valid by the agent's own rules; 0 when none was. */
  readonly ratePerSecond: number;
  readonly row: Row;
}

/** Climbs until a rate is invalid twice. The better of two tries flatters, so the row says where it took two. */
export async function heldRate(sink: Sink, ladder: Ladder): Promise<Held> {
  const { outputTokens, ratesPerSecond, goal } = ladder;
  let held = 0;
  const notes: string[] = [];
  let stopped = "the ladder ended";
  for (const ratePerSecond of ratesPerSecond) {
    const tries = await triesToHold(sink, { ratePerSecond, outputTokens });
    if (typeof tries === "string") {
      stopped = `not ${ratePerSecond}/s: ${tries}`;
      break;
    }
    held = ratePerSecond;
    if (tries > 1) notes.push(`${ratePerSecond}/s at the second try`);
  }
  const bare = await readBare({
    port: sink.port,
    ratePerSecond: Math.max(held, 100),
    outputTokens,
    seconds: READER_SECONDS,
    warmSeconds: READER_WARM_SECONDS,
  });
  const bareMax = bare.streams / bare.cpuSeconds;
  const row = {
    figure: `rate that one core offers validly, ${outputTokens}-token streams`,
    measured: `${held}/s (${[stopped, ...notes].join("; ")})`,
    beside: `${significant(bareMax)}/s: a whole core of the bare reader, by its CPU at ${Math.max(held, 100)}/s`,
    ratio: held / bareMax,
    goal,
  };
  return { ratePerSecond: held, row };
}

/** How many tries it took, or the reason of the last one. */
async function triesToHold(
  sink: Sink,
  load: { readonly ratePerSecond: number; readonly outputTokens: number },
): Promise<number | string> {
  let reason = "";
  for (let tries = 1; tries <= TRIES_MAX; tries += 1) {
    const { result } = await runLoad({ ...load, url: sink.url, seconds: STEP_SECONDS });
    if (result.validity.verdict !== "invalid") return tries;
    reason = result.validity.reasons[0]?.split(";")[0] ?? "";
  }
  return reason;
}

/** How late the agent sends at parts of the rate it holds. */
export async function sendDelays(
  sink: Sink,
  held: { readonly ratePerSecond: number; readonly outputTokens: number },
): Promise<readonly Row[]> {
  const rows: Row[] = [];
  const { outputTokens } = held;
  for (const fraction of DELAY_FRACTIONS) {
    const ratePerSecond = Math.round(held.ratePerSecond * fraction);
    if (ratePerSecond === 0) continue;
    const load = { ratePerSecond, outputTokens };
    const { reports } = await runLoad({ ...load, url: sink.url, seconds: DELAY_SECONDS });
    const bare = await readBare({
      ...load,
      port: sink.port,
      seconds: READER_SECONDS,
      warmSeconds: READER_WARM_SECONDS,
    });
    const delay = sendDelayOf(reports);
    const p99Ms = delay.quantile(0.99) / NS_PER_MS;
    rows.push({
      figure: `send delay at ${fraction * 100} % of it, ${ratePerSecond}/s × ${outputTokens} tokens`,
      measured: `p50 ${ms(delay, 0.5)}, p99 ${ms(delay, 0.99)}, p99.9 ${ms(delay, 0.999)}`,
      beside: `p50 ${significant(bare.sendDelayP50Ms)} ms, p99 ${significant(bare.sendDelayP99Ms)} ms: the bare reader's \`setTimeout\``,
      ratio: p99Ms / bare.sendDelayP99Ms,
      goal: fraction === 0.5 ? "p99 ≤ 1 ms" : "",
    });
  }
  return rows;
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

function ms(histogram: Histogram, q: number): string {
  return `${significant(histogram.quantile(q) / NS_PER_MS)} ms`;
}
