import { NS_PER_MS, NS_PER_SECOND } from "../../shared/units.ts";
import { checkServer, type CheckedWindow } from "../server/checks.ts";
import { serverSeriesOf } from "../server/series.ts";
import type { ServerLog } from "../server/server-log.ts";
import type { Stretch } from "../server/points.ts";
import { serverWindowOf } from "../server/window.ts";
import type { ProbeServerView, ProbeView, ServerView } from "../show/result.ts";
import { load } from "../show/headline.ts";
import type { DrivenSegment, RunEnd } from "./run-contract.ts";
import { targetFactsOf } from "./target-facts.ts";

/** All that was said, also before the first segment and behind the last. */
const EVER: Stretch = { fromNs: 0, untilNs: Number.MAX_SAFE_INTEGER };

/** How often the target's metrics are scraped, s. */
export const SCRAPE_INTERVAL_S = 1;

/** What the target said of itself over one recorded window. */
export function probeServerView(log: ServerLog, stretch: Stretch): ProbeServerView {
  const { problems, replicas, scrapeCount, ...figures } = serverWindowOf(log, stretch);
  return {
    waitingMean: rounded(figures.waitingMean),
    waitingMax: rounded(figures.waitingMax),
    runningMean: rounded(figures.runningMean),
    kvUseMean: rounded(figures.kvUseMean),
    completedPerSecond: rounded(figures.completedPerSecond),
    generationTokensPerSecond: rounded(figures.generationTokensPerSecond),
    replicas,
    scrapeCount,
    problems,
  };
}

/** What the target said of itself over the whole run, beside what the agents saw. */
export function serverView(input: {
  readonly end: RunEnd;
  readonly urls: readonly string[];
  readonly shown: readonly DrivenSegment[];
  /** Of `shown`, in its order. */
  readonly probes: readonly ProbeView[];
}): ServerView | undefined {
  const { end, urls } = input;
  const { server } = end;
  if (server === undefined) return undefined;
  const firstNs = end.driven[0]?.segment.startAtNs ?? 0;
  const whole = { fromNs: firstNs, untilNs: firstNs + end.durationS * NS_PER_SECOND };
  const { checks, unchecked } = checkServer(checkedWindows(input, server));
  const { problems, replicas } = serverWindowOf(server, EVER);
  return {
    engine: server.engine ?? null,
    urls,
    replicas,
    scrapeIntervalS: server.intervalS ?? SCRAPE_INTERVAL_S,
    checks,
    problems: [...problems, ...unchecked],
    series: serverSeriesOf(server, whole),
  };
}

function checkedWindows(
  { end, shown, probes }: Parameters<typeof serverView>[0],
  server: ServerLog,
): readonly CheckedWindow[] {
  const isAgentLost = end.agentIds.some((agentId) => end.roster.get(agentId)?.lost !== false);
  return probes.flatMap((probe, place) => {
    const driven = shown[place];
    if (driven === undefined || probe.durationS === 0) return [];
    const window = windowOf(driven, probe);
    const { completions } = targetFactsOf({
      server,
      window,
      intervals: end.merge.segment(driven.segment.number).intervals(),
      sealedUntilNs: end.sealedUntilNs,
      isAgentLost,
    });
    const clientEndToEndMs = probe.serviceE2eMs.mean;
    return [
      {
        load: load(probe),
        window,
        server,
        inFlightMean: probe.inFlightMean,
        endToEndMeanS:
          clientEndToEndMs === null ? null : (clientEndToEndMs * NS_PER_MS) / NS_PER_SECOND,
        completedPerSecond: probe.completedPerSecond,
        completions,
      },
    ];
  });
}

/** The recorded window of a probe, as far as it went. */
export function windowOf(
  { segment }: DrivenSegment,
  { durationS }: Pick<ProbeView, "durationS">,
): Stretch {
  return {
    fromNs: segment.recordFromNs,
    untilNs: segment.recordFromNs + durationS * NS_PER_SECOND,
  };
}

/** Six digits after the point, as everywhere in the result. */
function rounded(value: number | null): number | null {
  return value === null ? null : Math.round(value * 1e6) / 1e6;
}
