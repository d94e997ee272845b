import type { ServerEntry } from "./entry.ts";
import type { Sample } from "./exposition.ts";
import { readingOf } from "./reading.ts";

/** One series of a Prometheus server's answer to a range selector: what it scraped, at the instants of its scrapes. */
export interface RangeSeries {
  readonly metric: Readonly<Record<string, string>>;
  /** s since the epoch, and the value as text. */
  readonly values: readonly (readonly [atS: number, value: string])[];
}

/** Series that begin or end further than this many scrapes from the others' are of a replica that came or went. */
const LATE_SCRAPES = 2.5;

/**
 * What a Prometheus server scraped of the target, as if it had been scraped here.
 *
 * All series of one scrape have its instant, so that `instance` and instant give a scrape back.
 *
 * @param toRunNs from s since the epoch to the run's clock, ns.
 */
export function entriesOfRange(
  series: readonly RangeSeries[],
  toRunNs: (epochS: number) => number,
): readonly ServerEntry[] {
  const instances = scrapesByInstance(series);
  const scrapes = [...instances].flatMap(([replica, byInstant]) =>
    [...byInstant].flatMap(([atS, samples]): ServerEntry[] => {
      const reading = readingOf({ samples, malformed: undefined });
      const atNs = Math.round(toRunNs(atS));
      return reading === undefined ? [] : [{ kind: "scrape", atNs, replica, reading }];
    }),
  );
  const spans = [...instances].map(([replica, byInstant]) => {
    const instants = [...byInstant.keys()].sort((a, b) => a - b);
    return { replica, firstS: instants[0] ?? 0, lastS: instants.at(-1) ?? 0, instants };
  });
  const intervalS = medianGap(spans.flatMap(({ instants }) => gaps(instants)));
  const changes = replicaChanges(spans, {
    slackS: LATE_SCRAPES * (intervalS ?? 0),
    intervalS,
    toRunNs,
  });
  return [...changes, ...scrapes].sort((a, b) => a.atNs - b.atNs);
}

function scrapesByInstance(
  series: readonly RangeSeries[],
): ReadonlyMap<string, ReadonlyMap<number, Sample[]>> {
  const instances = new Map<string, Map<number, Sample[]>>();
  for (const { metric, values } of series) {
    const { __name__: name = "", instance = "", ...labels } = metric;
    const byInstant = instances.get(instance) ?? new Map<number, Sample[]>();
    instances.set(instance, byInstant);
    for (const [atS, value] of values) {
      const samples = byInstant.get(atS) ?? [];
      byInstant.set(atS, samples);
      samples.push({ name, labels: new Map(Object.entries(labels)), value: Number(value) });
    }
  }
  return instances;
}

interface Span {
  readonly replica: string;
  readonly firstS: number;
  readonly lastS: number;
}

function replicaChanges(
  spans: readonly Span[],
  {
    slackS,
    intervalS,
    toRunNs,
  }: {
    readonly slackS: number;
    readonly intervalS: number | undefined;
    readonly toRunNs: (epochS: number) => number;
  },
): readonly ServerEntry[] {
  if (spans.length === 0) return [];
  const beginS = Math.min(...spans.map(({ firstS }) => firstS));
  const endS = Math.max(...spans.map(({ lastS }) => lastS));
  const instants = new Set([
    beginS,
    ...spans.map(({ firstS }) => firstS).filter((atS) => atS > beginS + slackS),
    ...spans.map(({ lastS }) => lastS).filter((atS) => atS < endS - slackS),
  ]);
  return [...instants].map((atS) => ({
    kind: "replicas",
    atNs: Math.round(toRunNs(atS)),
    addresses: spans
      .filter(({ firstS, lastS }) => {
        const isThere = firstS <= atS + (atS === beginS ? slackS : 0);
        return isThere && (lastS > atS || lastS >= endS - slackS);
      })
      .map(({ replica }) => replica),
    ...(intervalS === undefined ? {} : { intervalS }),
  }));
}

function gaps(instants: readonly number[]): readonly number[] {
  return instants.slice(1).map((atS, place) => atS - (instants[place] ?? atS));
}

function medianGap(values: readonly number[]): number | undefined {
  const sorted = [...values].sort((a, b) => a - b);
  const median = sorted[Math.floor(sorted.length / 2)];
  return median === undefined ? undefined : Math.round(median * 1_000) / 1_000;
}
