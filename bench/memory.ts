import { runLoad } from "./run.ts";
import type { Sink } from "./sink.ts";
import { type Row, significant } from "./table.ts";

const RATE_PER_SECOND = 100;
const TOKENS = 64;
/** The first seconds start and rehearse. */
const FROM_LOOK = 10;

/** Memory of coordinator and agent over `seconds` of 100 requests/s × 64 tokens. */
export async function memory(sink: Sink, seconds: number): Promise<Row> {
  const { memoryMb } = await runLoad({
    url: sink.url,
    ratePerSecond: RATE_PER_SECOND,
    outputTokens: TOKENS,
    seconds,
    memory: true,
    built: true,
  });
  const early = Math.max(...memoryMb.slice(FROM_LOOK, FROM_LOOK + 5));
  const late = Math.max(...memoryMb.slice(-8, -3));
  return {
    figure: `memory (PSS) of coordinator and one agent, as installed, ${seconds} s at ${RATE_PER_SECOND}/s × ${TOKENS}`,
    measured: `${significant(late)} MB at the end`,
    beside: `${significant(early)} MB after ${FROM_LOOK} s of the same run`,
    ratio: late / early,
    goal: "≤ 200 MB",
  };
}
