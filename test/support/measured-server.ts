import assert from "node:assert/strict";
import { metricsView } from "../../coordinator/run/metrics-view.ts";
import type { ProbeView, Result, SloClauseView } from "../../coordinator/show/result.ts";
import { Histogram } from "../../shared/measurement/histogram.ts";
import { type Metric, unitsPerTick } from "../../shared/measurement/metric.ts";
import { NS_PER_SECOND } from "../../shared/units.ts";
import type { BatchingConfig, Work } from "../../simulator/scheduler/config.ts";
import { createScheduler } from "../../simulator/scheduler/scheduler.ts";
import { counts, found } from "../golden/show/results.ts";
import { Draws } from "./virtual-server.ts";

/** A batching server whose curve is measured in virtual time: a ladder of rates, a long window at each. */
export interface MeasuredServer {
  readonly name: string;
  readonly config: BatchingConfig;
  readonly ratesPerSecond: readonly number[];
}

const MS = 1e6;
const STEP = { kind: "batching", perPromptTokenNs: 0.02 * MS, stepTokensMax: 2_048 } as const;

/** Large batches with slow steps, as of a big GPU: many in flight while first tokens still come in time. */
export const BATCH_64: MeasuredServer = {
  name: "batch-64",
  config: { ...STEP, stepBaseNs: 20 * MS, perSequenceNs: 0.3 * MS, sequencesMax: 64 },
  ratesPerSecond: [1, 4, 8, 12, 16, 18, 20, 21, 22, 23, 24, 26],
};

/** Small batches: the same steps, a quarter of the places. */
export const BATCH_16: MeasuredServer = {
  name: "batch-16",
  config: { ...STEP, stepBaseNs: 20 * MS, perSequenceNs: 0.3 * MS, sequencesMax: 16 },
  ratesPerSecond: [0.5, 2, 4, 5, 6, 6.5, 7, 7.5, 8, 8.5, 9, 10],
};

const SLO: SloClauseView = {
  text: "ttft p99 <= 500ms",
  metric: "ttft",
  stat: "p99",
  operator: "<=",
  limit: 500,
  unit: "ms",
};
const LIMIT_FRACTION = 0.01;
const PROMPT_TOKENS = 256;
const OUTPUT_TOKENS_MEAN = 64;
const SETTLE_S = 30;
const WINDOW_S = 300;

/** As a run with server metrics has it. */
const SERVER = {
  engine: "vllm",
  urls: ["http://server.test/metrics"],
  replicas: 1,
  scrapeIntervalS: 1,
  checks: [],
  problems: [],
  series: { atS: [], waiting: [], running: [], kvUse: [] },
} as const;

interface Served extends Work {
  readonly arrivedAtNs: number;
  readonly recorded: boolean;
  startedAtNs: number;
  firstAtNs: number;
  doneAtNs: number;
}

/** The result of a run with server metrics; without them when `metrics` is false. */
export function resultOfServer(
  server: MeasuredServer,
  { metrics = true }: { readonly metrics?: boolean } = {},
): Result {
  const probes = server.ratesPerSecond.map((rate, place) => probeOf(server, { rate, place }));
  const failed = probes.find(({ verdict }) => verdict === "violated")?.requestsPerSecond ?? null;
  const met = probes.filter(
    ({ verdict, requestsPerSecond }) =>
      verdict === "met" && (requestsPerSecond ?? 0) < (failed ?? Infinity),
  );
  const low = met.at(-1)?.requestsPerSecond ?? 0;
  return {
    schema: found.schema,
    loadline: found.loadline,
    startedAt: found.startedAt,
    seed: found.seed,
    scheduleHash: null,
    command: "find",
    exitCode: 0,
    outcome: found.outcome,
    lost: found.lost,
    name: server.name,
    durationS: probes.length * (SETTLE_S + WINDOW_S),
    validity: { verdict: "valid", reasons: [] },
    target: { url: "http://server.test/v1", endpoint: "chat", model: server.name },
    slo: [SLO],
    workload: {
      classes: [
        {
          name: "default",
          weight: 1,
          promptTokens: { kind: "fixed", tokens: PROMPT_TOKENS },
          outputTokens: {
            kind: "lognormal",
            mean: OUTPUT_TOKENS_MEAN,
            coefficientOfVariation: 0.5,
          },
        },
      ],
    },
    agents: [],
    maxRate: {
      requestsPerSecond: (low + (failed ?? low)) / 2,
      low,
      high: failed,
      confidence: 0.95,
      method: "ladder",
      boundBy: SLO.text,
      limitedBy: "server",
      evidence: { requestsNear: 0, overCount: 0, clumpFactor: 1 },
      notes: [],
    },
    saturation: {
      requestsPerSecond: Math.max(...probes.map(({ completedPerSecond }) => completedPerSecond)),
      relativeSd: 0.02,
    },
    knee: null,
    curve: null,
    probes: metrics ? probes : probes.map(withoutMetrics),
    timeLine: [],
    ...(metrics ? { server: SERVER } : {}),
    files: { directory: server.name, names: ["result.json"] },
  };
}

function withoutMetrics({ server, ...probe }: ProbeView): ProbeView {
  assert.ok(server);
  return probe;
}

function probeOf(
  { config }: MeasuredServer,
  { rate, place }: { readonly rate: number; readonly place: number },
): ProbeView {
  const requests = serve(config, { rate, seed: 7_001 + place });
  const fromNs = SETTLE_S * NS_PER_SECOND;
  const toNs = fromNs + WINDOW_S * NS_PER_SECOND;
  const within = (from: number, to: number): number =>
    Math.max(0, Math.min(to, toNs) - Math.max(from, fromNs)) / NS_PER_SECOND;
  const mean = (of: (request: Served) => number): number =>
    round(requests.reduce((sum, request) => sum + of(request), 0) / WINDOW_S);
  const waiting = mean((each) => within(each.arrivedAtNs, each.startedAtNs));
  const running = mean((each) => within(each.startedAtNs, each.doneAtNs));
  const recorded = requests.filter((each) => each.recorded);
  const total = recorded.length;
  const overCount = recorded.filter(
    (each) => each.firstAtNs - each.arrivedAtNs > SLO.limit * MS,
  ).length;
  const overFraction = round(overCount / total);
  const verdict =
    overFraction <= 0.8 * LIMIT_FRACTION
      ? "met"
      : overFraction >= 1.25 * LIMIT_FRACTION
        ? "violated"
        : "undecided";
  const completed = requests.filter((each) => each.doneAtNs >= fromNs && each.doneAtNs < toNs);
  const completedPerSecond = round(completed.length / WINDOW_S);
  return {
    ...found.probes[0]!,
    segment: place + 1,
    mode: "open",
    requestsPerSecond: rate,
    achievedPerSecond: completedPerSecond,
    completedPerSecond,
    verdict,
    reason: "",
    validity: { verdict: "valid", reasons: [] },
    startS: place * (SETTLE_S + WINDOW_S) + SETTLE_S,
    durationS: WINDOW_S,
    countsByOutcome: counts({ scheduled: total, fired: total, ok: total }),
    clauses: [{ text: SLO.text, verdict, overCount, total, overFraction }],
    goodputFraction: round(1 - overFraction),
    goodputPerSecond: round(rate * (1 - overFraction)),
    inFlightMean: round(waiting + running),
    ...metricsView(histogramsOf(recorded)),
    server: {
      waitingMean: waiting,
      waitingMax: null,
      runningMean: running,
      kvUseMean: round(running / config.sequencesMax),
      completedPerSecond,
      generationTokensPerSecond: null,
      replicas: 1,
      scrapeCount: WINDOW_S,
      problems: [],
    },
  };
}

function histogramsOf(recorded: readonly Served[]): ReadonlyMap<Metric, Histogram> {
  const of = (metric: Metric, value: (request: Served) => number): [Metric, Histogram] => {
    const histogram = new Histogram(unitsPerTick(metric));
    for (const request of recorded) histogram.record(value(request));
    return [metric, histogram];
  };
  return new Map([
    of("ttft", (each) => each.firstAtNs - each.arrivedAtNs),
    of("e2e", (each) => each.doneAtNs - each.arrivedAtNs),
  ]);
}

/** Poisson arrivals of one rate, each served to its end. */
function serve(
  config: BatchingConfig,
  { rate, seed }: { readonly rate: number; readonly seed: number },
): readonly Served[] {
  const draws = new Draws(seed, 1);
  const scheduler = createScheduler<Served>(config, seed);
  const events = {
    onStart: (request: Served, atNs: number) => (request.startedAtNs = atNs),
    onToken: (request: Served, atNs: number, k: number) => {
      if (k === 1) request.firstAtNs = atNs;
    },
    onDone: (request: Served, atNs: number) => (request.doneAtNs = atNs),
  };
  const requests: Served[] = [];
  const untilS = SETTLE_S + WINDOW_S;
  for (let atS = draws.exponential(rate); atS < untilS; atS += draws.exponential(rate)) {
    const arrivedAtNs = Math.round(atS * NS_PER_SECOND);
    const request: Served = {
      promptTokens: PROMPT_TOKENS,
      outputTokens: Math.max(1, Math.round(draws.logNormal(OUTPUT_TOKENS_MEAN, 0.5))),
      arrivedAtNs,
      recorded: atS >= SETTLE_S,
      startedAtNs: Infinity,
      firstAtNs: Infinity,
      doneAtNs: Infinity,
    };
    scheduler.advance(arrivedAtNs, events);
    scheduler.arrive(arrivedAtNs, request);
    requests.push(request);
  }
  scheduler.advance(Infinity, events);
  return requests;
}

function round(value: number): number {
  return Math.round(value * 1e6) / 1e6;
}
