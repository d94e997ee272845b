import { type EngineAdapter, ENGINES, type MetricSource, spellingsOf } from "./engines.ts";
import type { HistogramTotals, ServerReading } from "./entry.ts";
import type { Exposition, Sample } from "./exposition.ts";

const HISTOGRAM_FIELDS = ["ttft", "e2e"] as const;
const FIELDS = [
  "waiting",
  "running",
  "kvUse",
  "replicas",
  "completed",
  "promptTokens",
  "generationTokens",
] as const;

const WANTED: ReadonlySet<string> = new Set(
  ENGINES.flatMap((adapter) => [
    ...FIELDS.flatMap((field) => adapter[field]?.names ?? []),
    ...HISTOGRAM_FIELDS.flatMap((field) => adapter[field]?.names ?? []).flatMap(partsOf),
  ]).flatMap(spellingsOf),
);

/** All that any engine's figures are read from. */
export function serverMetricNames(): readonly string[] {
  return [...WANTED];
}

/** Whether a metric is one that some engine's figures are read from. */
export function isServerMetric(name: string): boolean {
  return WANTED.has(name);
}

/** The figures of the engine whose names are there; undefined where no engine's are. */
export function readingOf({ samples }: Exposition): ServerReading | undefined {
  const byName = new Map<string, Sample[]>();
  for (const sample of samples) {
    const same = byName.get(sample.name);
    if (same === undefined) byName.set(sample.name, [sample]);
    else same.push(sample);
  }
  const adapter = ENGINES.find((each) => isThere(each, byName));
  return adapter === undefined ? undefined : readBy(adapter, byName);
}

type ByName = ReadonlyMap<string, readonly Sample[]>;

function isThere(adapter: EngineAdapter, byName: ByName): boolean {
  return [adapter.running, adapter.waiting, adapter.completed].some(
    (source) => samplesOf(source, byName) !== undefined,
  );
}

function readBy(adapter: EngineAdapter, byName: ByName): ServerReading {
  const sum = (source: MetricSource | undefined): number | null =>
    source === undefined ? null : finite(sumOf(samplesOf(source, byName)));
  return {
    engine: adapter.engine,
    waiting: sum(adapter.waiting),
    running: sum(adapter.running),
    kvUse: meanOf(adapter.kvUse, byName),
    replicas: sum(adapter.replicas),
    completed: sum(adapter.completed),
    promptTokens: sum(adapter.promptTokens),
    generationTokens: sum(adapter.generationTokens),
    ttft: totalsOf(adapter.ttft, byName),
    e2e: totalsOf(adapter.e2e, byName),
  };
}

/** The series of the first name that is there; undefined where none is. */
function samplesOf(source: MetricSource, byName: ByName): readonly Sample[] | undefined {
  const { names, without } = source;
  for (const name of names.flatMap(spellingsOf)) {
    const samples = byName.get(name);
    if (samples === undefined) continue;
    if (without === undefined) return samples;
    return samples.filter(
      ({ labels }) => !without.values.includes(labels.get(without.label) ?? ""),
    );
  }
  return undefined;
}

function sumOf(samples: readonly Sample[] | undefined): number | null {
  if (samples === undefined) return null;
  return samples.reduce((sum, { value }) => sum + value, 0);
}

function meanOf(source: MetricSource | undefined, byName: ByName): number | null {
  const samples = source === undefined ? undefined : samplesOf(source, byName);
  const sum = sumOf(samples);
  if (samples === undefined || sum === null || samples.length === 0) return null;
  return finite(sum / samples.length);
}

function totalsOf(source: MetricSource | undefined, byName: ByName): HistogramTotals | null {
  for (const name of source?.names ?? []) {
    const [sumName = "", countName = ""] = partsOf(name);
    const sumS = finite(sumOf(samplesOf({ names: [sumName] }, byName)));
    const count = finite(sumOf(samplesOf({ names: [countName] }, byName)));
    if (sumS !== null && count !== null) return { count, sumS };
  }
  return null;
}

function partsOf(name: string): readonly string[] {
  return [`${name}_sum`, `${name}_count`];
}

/** NaN and infinities are what an engine says when it does not know. */
function finite(value: number | null): number | null {
  return value !== null && Number.isFinite(value) ? value : null;
}
