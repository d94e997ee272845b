import type { WindowBounds } from "../coordinator/rescore/recount.ts";
import type { RunLogEntry, TimedEntry } from "../coordinator/run/run-log.ts";
import type { Result } from "../coordinator/show/result.ts";
import { readLog } from "../coordinator/store/run-folder.ts";
import { NS_PER_SECOND } from "../shared/units.ts";

/** The recorded windows of all segments, as the log has them: each ends where the next segment took over. */
export async function windowBoundsOf(
  directory: string,
  result: Result,
): Promise<readonly WindowBounds[]> {
  const armed: Extract<RunLogEntry, { kind: "segment" }>[] = [];
  for await (const entry of readLog(directory) as AsyncIterable<TimedEntry>) {
    if (entry.kind === "segment") armed.push(entry);
  }
  const lengthS = new Map(result.probes.map(({ segment, durationS }) => [segment, durationS]));
  return armed.map(({ segment, request }, index) => {
    const next = armed[index + 1]?.segment.startAtNs;
    // The last one may have ended with the search's answer, which its own length tells.
    const lastNs =
      segment.recordFromNs + Math.round((lengthS.get(segment.number) ?? Infinity) * NS_PER_SECOND);
    return { segment, request, untilNs: Math.min(segment.recordUntilNs, next ?? lastNs) };
  });
}
