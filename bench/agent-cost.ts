import type { IntervalReport } from "../shared/measurement/report.ts";
import { NS_PER_SECOND } from "../shared/units.ts";
import { readBare } from "./bare.ts";
import { runLoad } from "./run.ts";
import type { Server } from "./server.ts";
import { type Row, significant } from "./table.ts";

const RATE_PER_SECOND = 100;
const TOKENS = 64;
const AGENT_SECONDS = 42;
const STEADY_FROM_S = 10;
const STEADY_TO_S = 40;
const READER = { ratePerSecond: RATE_PER_SECOND, outputTokens: TOKENS, seconds: 10 };
const READER_WARM_SECONDS = 3;

/** What one agent costs a streamed token, and whether its memory grows, of one run of 100 requests/s. */
export async function agentCost(server: Server): Promise<readonly Row[]> {
  const order = { ...READER, port: server.port, warmSeconds: READER_WARM_SECONDS };
  // Before and after, so that a drift of the machine does not fall on one side.
  const before = await readBare(order);
  const { reports } = await runLoad({
    url: server.url,
    ratePerSecond: RATE_PER_SECOND,
    outputTokens: TOKENS,
    seconds: AGENT_SECONDS,
  });
  const after = await readBare(order);
  const bareUs =
    ((before.cpuSeconds + after.cpuSeconds) * 1e6) / ((before.streams + after.streams) * TOKENS);
  return [cpuRow(reports, bareUs), memoryRow(reports)];
}

function cpuRow(reports: readonly IntervalReport[], bareUs: number): Row {
  let cpuSeconds = 0;
  let tokens = 0;
  for (const { health, deltas } of within(reports, STEADY_FROM_S, STEADY_TO_S)) {
    cpuSeconds += health.cpuSeconds;
    for (const { activity } of deltas) tokens += activity.contentEvents;
  }
  const agentUs = (cpuSeconds * 1e6) / tokens;
  return {
    figure: `CPU of one agent per streamed token, ${RATE_PER_SECOND}/s × ${TOKENS} tokens`,
    measured: `${significant(agentUs)} µs (${STEADY_FROM_S} s to ${STEADY_TO_S} s)`,
    beside: `${significant(bareUs)} µs: a \`node:net\` reader that counts \`data:\`, before and after`,
    ratio: agentUs / bareUs,
    goal: "≤ 2.5",
  };
}

/** RSS only falls when the collector wants to, so each figure is the highest of the seconds around it. */
function memoryRow(reports: readonly IntervalReport[]): Row {
  const early = rssMaxMb(within(reports, STEADY_FROM_S - 2, STEADY_FROM_S));
  const late = rssMaxMb(within(reports, STEADY_TO_S - 2, STEADY_TO_S));
  const requestsAt = (s: number): string => (s * RATE_PER_SECOND).toLocaleString("en-US");
  return {
    figure: "memory of one agent (RSS) under that load",
    measured: `${significant(late)} MB at ${STEADY_TO_S} s (${requestsAt(STEADY_TO_S)} requests)`,
    beside: `${significant(early)} MB at ${STEADY_FROM_S} s (${requestsAt(STEADY_FROM_S)} requests)`,
    ratio: late / early,
    goal: "does not grow with the requests (× 4)",
  };
}

function rssMaxMb(reports: readonly IntervalReport[]): number {
  return Math.max(...reports.map(({ health }) => health.rssBytes)) / 1e6;
}

/** Reports about these seconds of the run. */
function within(
  reports: readonly IntervalReport[],
  fromS: number,
  toS: number,
): readonly IntervalReport[] {
  return reports.filter(
    ({ health }) => health.fromNs >= fromS * NS_PER_SECOND && health.toNs <= toS * NS_PER_SECOND,
  );
}
