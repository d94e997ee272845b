import { microsecondsPerToken } from "./agent-cost.ts";
import { runLoad } from "./run.ts";
import type { Sink } from "./sink.ts";
import { type Row, significant } from "./table.ts";

const RATE_PER_SECOND = 160;
const TOKENS = 16;
const SECONDS = 14;
const STEADY = { fromS: 4, toS: 13 };
const AGENTS = [1, 4, 16];

/** What the same load costs when more processes share it. */
export async function costOfAgents(sink: Sink): Promise<readonly Row[]> {
  const rows: Row[] = [];
  let oneUs = NaN;
  for (const agents of AGENTS) {
    const { reports, result, memoryMb } = await runLoad({
      url: sink.url,
      arrivals: "poisson",
      ratePerSecond: RATE_PER_SECOND,
      outputTokens: TOKENS,
      seconds: SECONDS,
      agents,
      memory: true,
    });
    const us = microsecondsPerToken(reports, STEADY);
    if (agents === 1) oneUs = us;
    rows.push({
      figure: `CPU of ${agents} agents per streamed token, ${RATE_PER_SECOND}/s × ${TOKENS} tokens in all`,
      measured: `${significant(us)} µs; ${significant(Math.max(...memoryMb))} MB with the coordinator (${result.validity.verdict})`,
      beside: `${significant(oneUs)} µs: one agent`,
      ratio: us / oneUs,
      goal: "",
    });
  }
  return rows;
}
