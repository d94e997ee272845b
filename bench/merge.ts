import { RunMerge } from "../coordinator/merge/run-merge.ts";
import { zeroCounters } from "../shared/measurement/counters.ts";
import { BUCKET_COUNT, Histogram } from "../shared/measurement/histogram.ts";
import { type Interval, ZERO_ACTIVITY } from "../shared/measurement/interval.ts";
import { type Metric, unitsPerTick } from "../shared/measurement/metric.ts";
import type { Health, IntervalReport } from "../shared/measurement/report.ts";
import { drawLognormal } from "../shared/random/samplers.ts";
import { type Prng, randomStream } from "../shared/random/stream.ts";
import { NS_PER_MS, NS_PER_SECOND, NS_PER_US } from "../shared/units.ts";
import { decodeIntervalReport, encodeIntervalReport } from "../shared/wire/report-codec.ts";
import { type Row, significant } from "./table.ts";

const AGENTS = 1000;
const PASSES = 3;
const REQUESTS = 100;
const TOKENS = 64;

/** Mean in ms and how many values a second of 100 requests/s × 64 tokens brings. */
const METRICS: readonly (readonly [Metric, number, number])[] = [
  ["send_delay", 0.1, REQUESTS],
  ["ttft", 50, REQUESTS],
  ["gap", 10, REQUESTS * (TOKENS - 1)],
  ["itl", 10, REQUESTS],
  ["e2e", 700, REQUESTS],
];

/** What a coordinator's CPU pays for one second of a thousand agents. */
export function mergeCost(): Row {
  const reports = reportsOf(AGENTS);
  const encoded = reports.map(encodeIntervalReport);
  const plain = reports.map(plainJsonOf);
  const bytes = encoded.reduce((sum, { length }) => sum + length, 0) / AGENTS;
  const plainBytes = plain.reduce((sum, { length }) => sum + length, 0) / AGENTS;
  const seconds = cpuSecondsOf(() => {
    mergeAll(encoded);
  });
  const plainSeconds = cpuSecondsOf(() => {
    addAll(plain);
  });
  return {
    figure: `decode and merge one report of ${METRICS.length} histograms from each of ${AGENTS} agents`,
    measured: `${significant(seconds)} s of CPU; a report has ${significant(bytes)} bytes`,
    beside: `${significant(plainSeconds)} s: the same counts as JSON, parsed and added (${significant(plainBytes)} bytes)`,
    ratio: seconds / plainSeconds,
    goal: "< 1 s of CPU",
  };
}

/** The first second of a run of so many agents, each with 100 requests/s of 64 tokens. */
export function reportsOf(agents: number): readonly IntervalReport[] {
  const prng = randomStream({ seed: 1, segment: 1, purpose: "arrivals" });
  return Array.from({ length: agents }, (_, place) => reportOf(place, prng));
}

/** Of the middle pass. */
function cpuSecondsOf(work: () => void): number {
  const passes = Array.from({ length: PASSES }, () => {
    const before = process.cpuUsage();
    work();
    const { user, system } = process.cpuUsage(before);
    return (user + system) / 1e6;
  });
  return passes.sort((a, b) => a - b)[Math.floor(PASSES / 2)] ?? NaN;
}

function mergeAll(encoded: readonly Uint8Array[]): void {
  const merge = new RunMerge("bench");
  for (const bytes of encoded) {
    const report = decodeIntervalReport(bytes);
    if (merge.check(report) !== "new") throw new Error("a report was not taken");
    merge.take(report);
  }
  const merged = merge.segment(1).classes.get("default")?.get("gap")?.count;
  if (merged !== AGENTS * REQUESTS * (TOKENS - 1) || merge.problems.length > 0)
    throw new Error(`merged ${merged ?? 0} gaps; ${merge.problems[0] ?? "no problem named"}`);
}

type PlainCounts = readonly (readonly [index: number, count: number])[];

function plainJsonOf({ deltas }: IntervalReport): string {
  const histograms = deltas.flatMap(({ classes }) => [...(classes.get("default")?.values() ?? [])]);
  return JSON.stringify(
    histograms.map((histogram) => {
      const counts: [number, number][] = [];
      histogram.forEachCount((index, count) => {
        counts.push([index, count]);
      });
      return counts;
    }),
  );
}

function addAll(plain: readonly string[]): void {
  const sums = METRICS.map(() => new Float64Array(BUCKET_COUNT));
  for (const json of plain) {
    const histograms = JSON.parse(json) as readonly PlainCounts[];
    for (const [place, sum] of sums.entries()) addCounts(sum, histograms[place] ?? []);
  }
}

function addCounts(sum: Float64Array, counts: PlainCounts): void {
  for (const [index, count] of counts) sum[index] = (sum[index] ?? 0) + count;
}

function reportOf(place: number, prng: Prng): IntervalReport {
  const counters = { ...zeroCounters(), scheduled: REQUESTS, fired: REQUESTS, ok: REQUESTS };
  return {
    runId: "bench",
    agentId: `agent-${place}`,
    epoch: 1,
    sequence: 1,
    sealedUntilNs: NS_PER_SECOND,
    deltas: [{ ...deltaOf(prng), counters }],
    totals: counters,
    open: 0,
    health: healthOf(prng),
    drained: false,
    firingSegment: 1,
    heldBack: [],
  };
}

function deltaOf(prng: Prng): Omit<Interval, "counters"> {
  const histograms = METRICS.map(([metric, meanMs, count]): [Metric, Histogram] => [
    metric,
    filled({ metric, meanMs, count }, prng),
  ]);
  return {
    segment: 1,
    fromNs: 0,
    toNs: NS_PER_SECOND,
    recorded: true,
    classes: new Map([["default", new Map(histograms)]]),
    clauses: [{ total: REQUESTS, over: [2, 1, 0] }],
    exceedances: [],
    exceedancesCut: 0,
    activity: { ...ZERO_ACTIVITY, sent: REQUESTS, completed: REQUESTS, completedOk: REQUESTS },
  };
}

function filled(
  { metric, meanMs, count }: { metric: Metric; meanMs: number; count: number },
  prng: Prng,
): Histogram {
  const histogram = new Histogram(unitsPerTick(metric));
  const shape = { mean: meanMs * NS_PER_MS, coefficientOfVariation: 0.3 };
  for (let value = 0; value < count; value += 1) histogram.record(drawLognormal(prng, shape));
  return histogram;
}

function healthOf(prng: Prng): Health {
  const eventLoopDelay = new Histogram(NS_PER_US);
  for (let probe = 0; probe < 50; probe += 1) eventLoopDelay.record(prng.nextUnit() * NS_PER_MS);
  return {
    fromNs: 0,
    toNs: NS_PER_SECOND,
    eventLoopDelay,
    eventLoopUtilisation: 0.2,
    cpuSeconds: 0.2,
    gcPauseSeconds: 0,
    gcPauses: 0,
    rssBytes: 128e6,
    throttledNs: 0,
    spooledReports: 0,
    reportsLost: 0,
    socketsOpen: REQUESTS,
  };
}
