import type { IntervalReport } from "../shared/measurement/report.ts";
import { NS_PER_SECOND } from "../shared/units.ts";
import { readBare } from "./bare.ts";
import { runLoad } from "./run.ts";
import type { Sink } from "./sink.ts";
import { type Row, significant } from "./table.ts";

const TOKENS = 64;
const RATES_PER_SECOND = [100, 400, 1_000];
const AGENT_SECONDS = 18;
/** Compiled and connected by then. */
const STEADY_FROM_S = 5;
const STEADY_TO_S = 17;
const READER_SECONDS = 8;
const READER_WARM_SECONDS = 3;

/** What one agent costs a streamed token, against a bare reader of the same stream on the same core. */
export async function agentCost(sink: Sink): Promise<readonly Row[]> {
  const rows: Row[] = [];
  for (const ratePerSecond of RATES_PER_SECOND) rows.push(await costAt(sink, ratePerSecond));
  return rows;
}

async function costAt(sink: Sink, ratePerSecond: number): Promise<Row> {
  const order = {
    port: sink.port,
    ratePerSecond,
    outputTokens: TOKENS,
    seconds: READER_SECONDS,
    warmSeconds: READER_WARM_SECONDS,
  };
  // Before and after, so that a drift of the machine does not fall on one side.
  const before = await readBare(order);
  const { reports, result } = await runLoad({
    url: sink.url,
    ratePerSecond,
    outputTokens: TOKENS,
    seconds: AGENT_SECONDS,
  });
  const after = await readBare(order);
  const bareUs =
    ((before.cpuSeconds + after.cpuSeconds) * 1e6) / ((before.streams + after.streams) * TOKENS);
  const agentUs = microsecondsPerToken(reports, { fromS: STEADY_FROM_S, toS: STEADY_TO_S });
  return {
    figure: `CPU of one agent per streamed token, ${ratePerSecond}/s × ${TOKENS} tokens`,
    measured: `${significant(agentUs)} µs (${result.validity.verdict})`,
    beside: `${significant(bareUs)} µs: a \`node:net\` reader that counts \`data:\`, before and after`,
    ratio: agentUs / bareUs,
    goal: "≤ 1.4",
  };
}

/** CPU of the reporting agents over a part of the run, for each token that came. */
export function microsecondsPerToken(
  reports: readonly IntervalReport[],
  { fromS, toS }: { readonly fromS: number; readonly toS: number },
): number {
  let cpuSeconds = 0;
  let tokens = 0;
  for (const { health, deltas } of reports) {
    if (health.fromNs < fromS * NS_PER_SECOND || health.toNs > toS * NS_PER_SECOND) continue;
    cpuSeconds += health.cpuSeconds;
    for (const { activity } of deltas) tokens += activity.contentEvents;
  }
  return (cpuSeconds * 1e6) / tokens;
}
