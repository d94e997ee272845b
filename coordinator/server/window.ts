import { NS_PER_SECOND } from "../../shared/units.ts";
import { greatest, mean, type Point, indexFrom, pointsIn, type Stretch, sum } from "./points.ts";
import type { CounterName, Gauge, ReplicaTrack } from "./replica-track.ts";
import type { ServerLog } from "./server-log.ts";

/** What the target said of itself over a stretch. Null where the engine does not say it. */
export interface ServerWindow {
  /** Requests, of all replicas together: the mean of what was seen, and the most. */
  readonly waitingMean: number | null;
  readonly waitingMax: number | null;
  readonly runningMean: number | null;
  /** 0 to 1, the mean over the replicas. */
  readonly kvUseMean: number | null;
  readonly completedPerSecond: number | null;
  readonly generationTokensPerSecond: number | null;
  /** The most there were; null where that was never known. */
  readonly replicas: number | null;
  /** Of those that gave something. */
  readonly scrapeCount: number;
  /** Sentences. */
  readonly problems: readonly string[];
}

/** A window with more problems than these has a few causes, said often. */
const PROBLEMS_MAX = 8;

export function serverWindowOf(log: ServerLog, stretch: Stretch): ServerWindow {
  const { tracks } = log;
  const replicas = log.replicasIn(stretch);
  const waiting = levelOf(tracks, "waiting", stretch);
  return {
    waitingMean: waiting,
    waitingMax: waiting === null ? null : mostOf(tracks, stretch),
    runningMean: levelOf(tracks, "running", stretch),
    kvUseMean: mean(meansOf(tracks, "kvUse", stretch)),
    completedPerSecond: perSecondOf(tracks, "completed", stretch),
    generationTokensPerSecond: perSecondOf(tracks, "generationTokens", stretch),
    replicas: replicas?.max ?? null,
    scrapeCount: sum(tracks.map((track) => track.scrapeCount(stretch))),
    problems: problemsOf(log, stretch).slice(0, PROBLEMS_MAX),
  };
}

/** A level of all replicas: the sum of their means, so that one that was looked at less often weighs no less. */
function levelOf(tracks: readonly ReplicaTrack[], gauge: Gauge, stretch: Stretch): number | null {
  const means = meansOf(tracks, gauge, stretch);
  return means.length === 0 ? null : sum(means);
}

function meansOf(
  tracks: readonly ReplicaTrack[],
  gauge: Gauge,
  stretch: Stretch,
): readonly number[] {
  return tracks.flatMap(
    (track) => mean(pointsIn(track.gauge(gauge), stretch).map(({ value }) => value)) ?? [],
  );
}

/** What was said longer ago than this is no longer so, ns. */
const STALE_NS = 3e9;

/** A gauge of all replicas together, at each moment at which one of them told it: the others' is their last word. */
export function together(
  tracks: readonly ReplicaTrack[],
  gauge: Gauge,
  stretch: Stretch,
): readonly Point[] {
  const telling = tracks.map((track) => track.gauge(gauge)).filter((points) => points.length > 0);
  const instants = telling
    .flatMap((points) => pointsIn(points, stretch).map(({ atNs }) => atNs))
    .sort((a, b) => a - b);
  return instants.map((atNs) => ({
    atNs,
    value: sum(telling.flatMap((points) => lastBy(points, atNs) ?? [])),
  }));
}

function lastBy(points: readonly Point[], atNs: number): number | undefined {
  const last = points[indexFrom(points, atNs + 1) - 1];
  return last === undefined || last.atNs < atNs - STALE_NS ? undefined : last.value;
}

function mostOf(tracks: readonly ReplicaTrack[], stretch: Stretch): number | null {
  return greatest(together(tracks, "waiting", stretch).map(({ value }) => value));
}

function perSecondOf(
  tracks: readonly ReplicaTrack[],
  name: CounterName,
  { fromNs, untilNs }: Stretch,
): number | null {
  const rates = tracks.flatMap((track) => {
    const increase = track.counter(name).increaseOver(fromNs, untilNs);
    return increase === undefined
      ? []
      : [(increase.count / (increase.toNs - increase.fromNs)) * NS_PER_SECOND];
  });
  return rates.length === 0 ? null : sum(rates);
}

/** How long the requests took that the server ended within a stretch, by its own histogram, s; null without one. */
export function endToEndMeanS(
  tracks: readonly ReplicaTrack[],
  { fromNs, untilNs }: Stretch,
): number | null {
  const grown = (name: CounterName): number =>
    sum(tracks.map((track) => track.counter(name).increaseOver(fromNs, untilNs)?.count ?? 0));
  const count = grown("e2eCount");
  return count > 0 ? grown("e2eSumS") / count : null;
}

function problemsOf(log: ServerLog, stretch: Stretch): readonly string[] {
  const replicas = log.replicasIn(stretch);
  const changed = replicas !== undefined && replicas.min !== replicas.max;
  const isSilent =
    log.tracks.length > 0 && log.tracks.every((track) => track.scrapeCount(stretch) === 0);
  return [
    ...(changed ? [`the number of replicas went between ${replicas.min} and ${replicas.max}`] : []),
    ...log.tracks.flatMap((track) => track.problemsIn(stretch)),
    ...(isSilent ? ["no scrape gave anything"] : []),
  ];
}
