import type { MergedInterval } from "../merge/segment-merge.ts";
import type { Stretch } from "../server/points.ts";
import type { ServerLog } from "../server/server-log.ts";
import { NS_PER_MS } from "../../shared/units.ts";
import type { TargetFacts } from "../validity/facts.ts";

export interface TargetFactsInput {
  readonly server: ServerLog;
  /** The recorded window, ns. */
  readonly window: Stretch;
  /** Of the window's segment; those that are merged from every agent. */
  readonly intervals: readonly MergedInterval[];
  /** Run clock, ns: every agent's reports are in up to here. */
  readonly sealedUntilNs: number;
  /** An agent was lost: what ended at it is not known. */
  readonly isAgentLost: boolean;
}

/** A request ends here up to so much later than at the server: the network, and our clocks' disagreement. */
const LATER_NS = 500 * NS_PER_MS;

/** What the target's own metrics tell of a window, beside what the agents saw. */
export function targetFactsOf(input: TargetFactsInput): TargetFacts {
  const { server, window } = input;
  return {
    replicas: server.replicasIn(window),
    restarted: server.tracks
      .filter((track) => track.restartedIn(window))
      .map(({ address }) => address),
    completions: completionsOf(input),
  };
}

/**
 * Both counts over the stretch between the first and the last scrape of the window. The server's is exact there. Ours is
 * by intervals, and a request ends here a little later than there, so it is told as the least and the most it may be.
 */
function completionsOf(input: TargetFactsInput): TargetFacts["completions"] {
  const { server, window, intervals, sealedUntilNs, isAgentLost } = input;
  if (isAgentLost) return undefined;
  const untilNs = Math.min(window.untilNs, sealedUntilNs) - LATER_NS;
  const seen = server.tracks.map((track) =>
    track.counter("completed").seenOver(window.fromNs, untilNs),
  );
  const known = seen.filter((increase) => increase !== undefined);
  if (known.length === 0 || known.length < seen.length) return undefined;
  const from = known.map(({ fromNs }) => fromNs);
  const to = known.map(({ toNs }) => toNs);
  return {
    theirs: Math.round(known.reduce((sum, { count }) => sum + count, 0)),
    oursMax: sumOf(
      intervals.filter(
        ({ fromNs, toNs }) => toNs > Math.min(...from) && fromNs < Math.max(...to) + LATER_NS,
      ),
      "completed",
    ),
    oursMin: sumOf(
      intervals.filter(
        ({ fromNs, toNs }) => fromNs >= Math.max(...from) + LATER_NS && toNs <= Math.min(...to),
      ),
      "completedOk",
    ),
  };
}

function sumOf(intervals: readonly MergedInterval[], name: "completed" | "completedOk"): number {
  return intervals.reduce((sum, { activity }) => sum + activity[name], 0);
}
