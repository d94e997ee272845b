import type {
  AgentView,
  CountsByOutcome,
  ProbeView,
  Result,
  SegmentView,
  SloClauseView,
  Summary,
} from "../../../coordinator/show/result.ts";
import { EMPTY_SUMMARY } from "../../../coordinator/show/summary.ts";
import { SUMMARY_QUANTILES, samplesNeeded } from "../../../shared/measurement/statistics.ts";

const TTFT_CLAUSE: SloClauseView = {
  text: "ttft p99 <= 200ms",
  metric: "ttft",
  stat: "p99",
  operator: "<=",
  limit: 200,
  unit: "ms",
};
const ITL_CLAUSE: SloClauseView = {
  text: "itl p99 <= 50ms",
  metric: "itl",
  stat: "p99",
  operator: "<=",
  limit: 50,
  unit: "ms",
};

/** A made-up distribution around its median; quantiles without enough samples are held back as the product does. */
export function summaryOf(count: number, p50: number, spread: number): Summary {
  if (count === 0) return EMPTY_SUMMARY;
  const at = (factor: number): number => Number((p50 * spread ** factor).toFixed(3));
  const quantiles = {
    p50: at(0),
    p75: at(0.3),
    p90: at(0.6),
    p95: at(0.8),
    p99: at(1.2),
    p99_9: at(1.6),
  };
  const names = ["p50", "p75", "p90", "p95", "p99", "p99_9"] as const;
  const needed = (name: (typeof names)[number]): number => samplesNeeded(SUMMARY_QUANTILES[name]);
  const missing = names.filter((name) => count < needed(name));
  const summary = {
    count,
    min: at(-0.5),
    max: at(1.8),
    mean: at(0.1),
    sd: at(-0.2),
    ...quantiles,
    ...Object.fromEntries(missing.map((name) => [name, null])),
  };
  if (missing.length === 0) return summary;
  return {
    ...summary,
    samplesNeeded: Object.fromEntries(missing.map((name) => [name, needed(name)])),
  };
}

export function counts(some: Partial<CountsByOutcome>): CountsByOutcome {
  return {
    scheduled: 0,
    fired: 0,
    ok: 0,
    http_error: 0,
    connect_error: 0,
    stream_error: 0,
    timeout: 0,
    censored: 0,
    unknown: 0,
    open: 0,
    dropped_in_flight_bound: 0,
    dropped_socket: 0,
    dropped_policy: 0,
    not_offered_superseded: 0,
    not_offered_aborted: 0,
    ...some,
  };
}

/** A window of `fired` requests whose TTFT has the given median and spread. */
export function probeOf(options: {
  segment: number;
  rate: number;
  startS: number;
  durationS: number;
  ttftP50Ms: number;
  ttftSpread: number;
  more?: Partial<ProbeView>;
}): ProbeView {
  const { segment, rate, startS, durationS, ttftP50Ms, ttftSpread, more } = options;
  const fired = Math.round(rate * durationS);
  return {
    segment,
    purpose: "probe",
    mode: "open",
    requestsPerSecond: rate,
    streams: null,
    achievedPerSecond: Math.min(rate, 47),
    completedPerSecond: Math.min(rate, 47),
    verdict: "met",
    reason: "",
    validity: { verdict: "valid", reasons: [] },
    startS,
    durationS,
    countsByOutcome: counts({ scheduled: fired, fired, ok: fired }),
    httpErrorsByStatus: {},
    clauses: [],
    goodputPerSecond: rate,
    goodputFraction: 0.998,
    inputTokensPerSecond: Math.min(rate, 47) * 128,
    outputTokensPerSecond: Math.min(rate, 47) * 64,
    tokensFrom: "usage",
    inFlightMean: rate * 0.8,
    inFlightMax: Math.round(rate * 1.6),
    byClass: {},
    ttftMs: summaryOf(fired, ttftP50Ms, ttftSpread),
    answerTtftMs: summaryOf(fired, ttftP50Ms, ttftSpread),
    e2eMs: summaryOf(fired, ttftP50Ms + 700, 1.2),
    serviceTtftMs: summaryOf(fired, ttftP50Ms - 0.2, ttftSpread),
    serviceE2eMs: summaryOf(fired, ttftP50Ms + 699.8, 1.2),
    itlMs: summaryOf(fired, 11, 1.3),
    gapMs: summaryOf(fired * 63, 11, 1.8),
    maxGapMs: summaryOf(fired, 19, 1.7),
    sendDelayMs: summaryOf(fired, 0.08, 3),
    outputTokensPerSecondPerUser: summaryOf(fired, 88, 0.8),
    ...more,
  };
}

const calibrated = {
  floor: {
    ttftP50Ms: 0.214,
    ttftP99Ms: 1.34,
    gapErrorP99Ms: 0.8,
    itlErrorP99Ms: 0.02,
    sendDelayP50Ms: 0.011,
    sendDelayP99Ms: 0.9,
  },
  cleanRatePerSecond: 2_310,
  cleanTokensPerSecond: 41_200,
};

function agentOf(id: string, firedCount: number): AgentView {
  return {
    id,
    host: "bench-1",
    firedCount,
    sendDelayMs: summaryOf(firedCount, 0.08, 3),
    eventLoopDelayMs: summaryOf(5_000, 0.3, 2),
    cpuSeconds: 12.4,
    clockErrorBoundMs: 0.1,
    lost: false,
  };
}

const BASE = {
  schema: "loadline/result@1",
  loadline: "0.1.0",
  startedAt: "2026-11-25T18:30:00.000Z",
  seed: 1,
  scheduleHash: "9f2c4be1a07d3358c6e2f4d1b8a95e60c7f3d2e1b4a59687f0e1d2c3b4a59687",
  target: { url: "http://127.0.0.1:8000/v1", endpoint: "chat", model: "llama-3.1-8b" },
  workload: {
    classes: [
      {
        name: "default",
        weight: 1,
        promptTokens: { kind: "fixed", tokens: 128 },
        outputTokens: { kind: "uniform", low: 32, high: 96 },
      },
    ],
  },
  maxRate: null,
  saturation: null,
  knee: null,
  lost: { arrivalRanges: [], unknownCount: 0 },
  files: {
    directory: "runs/20261125-183000-demo",
    names: ["report.html", "result.json", "requests.jsonl.zst", "histograms.hlog"],
  },
} as const satisfies Partial<Result>;

type Judged = readonly [verdict: "met" | "violated" | "undecided", overCount: number];

function clausesOf(total: number, ...judged: readonly Judged[]): ProbeView["clauses"] {
  return judged.map(([verdict, overCount], index) => ({
    text: [TTFT_CLAUSE, ITL_CLAUSE][index]!.text,
    verdict,
    overCount,
    total,
    overFraction: overCount / total,
  }));
}

/** As a queue's tail rises; the second clause stays far from its limit. */
function curvePoint(rate: number, place: number) {
  const overFraction = Math.min(1, Math.exp((rate - 41.8) / 4) * (place === 0 ? 0.01 : 2e-4));
  const spread = 1.3 + Math.abs(rate - 41.8) / 20;
  return {
    requestsPerSecond: rate,
    overFraction: Number(overFraction.toPrecision(6)),
    low: Number((overFraction / spread).toPrecision(6)),
    high: Number(Math.min(1, overFraction * spread).toPrecision(6)),
  };
}

function segmentOf(
  [segment, startS, endS]: readonly [number, number, number],
  purpose: string,
  more: Partial<SegmentView>,
): SegmentView {
  return {
    segment,
    purpose,
    mode: "open",
    requestsPerSecond: null,
    streams: null,
    startS,
    endS,
    isCutOff: false,
    ...more,
  };
}

/** A search that found its rate: a ramp up to the first violation, then a bisection. */
export const found: Result = {
  ...BASE,
  command: "find",
  name: "demo",
  durationS: 292.4,
  exitCode: 0,
  outcome: { kind: "found", reason: "" },
  validity: {
    verdict: "suspect",
    reasons: ["agent local-2: its clock may be 6.1 ms off, more than 5 ms"],
  },
  slo: [TTFT_CLAUSE, ITL_CLAUSE],
  agents: [
    { ...agentOf("local-1", 4_020), ...calibrated },
    { ...agentOf("local-2", 4_019), ...calibrated, cleanTokensPerSecond: 40_900 },
  ],
  maxRate: {
    requestsPerSecond: 41.8,
    low: 40.2,
    high: 43,
    confidence: 0.95,
    method: "bisect",
    boundBy: TTFT_CLAUSE.text,
    limitedBy: "server",
    evidence: { requestsNear: 6_120, overCount: 41, clumpFactor: 22 },
    notes: ["the unloaded p99 is 41 ms: the limit leaves a factor of 4.9"],
  },
  saturation: { requestsPerSecond: 47, relativeSd: 0.03 },
  knee: { requestsPerSecond: 38.5, method: "kneedle" },
  curve: [TTFT_CLAUSE, ITL_CLAUSE].map((clause, place) => ({
    clause: clause.text,
    limitFraction: 0.01,
    points: Array.from({ length: 24 }, (_, index) => curvePoint(4 + 2 * index, place)),
  })),
  timeLine: [
    segmentOf([1, 0, 6], "calibrate", { mode: "serial" }),
    segmentOf([2, 6, 18], "ramp", { requestsPerSecond: 10 }),
    segmentOf([3, 18, 30], "ramp", { requestsPerSecond: 20 }),
    segmentOf([4, 30, 53], "ramp", { requestsPerSecond: 40 }),
    segmentOf([5, 53, 67], "ramp", { requestsPerSecond: 56.6 }),
    segmentOf([6, 67, 101], "probe", { requestsPerSecond: 47.6 }),
    segmentOf([7, 101, 106], "drain", { mode: "idle" }),
    segmentOf([8, 106, 138], "probe", { requestsPerSecond: 43.6 }),
    segmentOf([9, 138, 180], "probe", { requestsPerSecond: 41.8 }),
  ],
  floor: { ttftMs: summaryOf(100, 31, 1.2), e2eMs: summaryOf(100, 720, 1.1) },
  rateGate: { requestsPerSecond: 40, held: true },
  probes: [
    [2, 10, 8, 10, 31, 1.25, "met", 0],
    [3, 20, 20, 10, 33, 1.5, "met", 0],
    [4, 40, 32, 20, 47, 2.4, "met", 3],
    [5, 56.6, 55, 12, 1_900, 2.2, "violated", 655],
    [6, 47.6, 80, 20, 260, 2.6, "violated", 410],
    [7, 43.6, 106, 30, 66, 2.9, "undecided", 16],
    [8, 41.8, 140, 40, 52, 2.8, "met", 11],
  ].map((row) => {
    const [segment, rate, startS, durationS, ttftP50Ms, ttftSpread] = row as number[];
    const [verdict, over] = row.slice(6) as [Judged[0], number];
    const fired = Math.round(rate! * durationS!);
    const itl: Judged = ["met", 1];
    return probeOf({
      segment: segment!,
      rate: rate!,
      startS: startS!,
      durationS: durationS!,
      ttftP50Ms: ttftP50Ms!,
      ttftSpread: ttftSpread!,
      more: {
        purpose: segment! < 6 ? "ramp" : "probe",
        verdict,
        reason: `${over} of ${fired} over 200ms`,
        clauses: clausesOf(fired, [verdict, over], itl),
        ...(segment === 7
          ? {
              validity: {
                verdict: "suspect",
                reasons: ["agent local-2: its clock may be 6.1 ms off, more than 5 ms"],
              } as const,
            }
          : {}),
      },
    });
  }),
};

/** Two rates, with errors, an agent that was lost, and a window the generator could not carry. */
export const twoRates: Result = {
  ...BASE,
  command: "run",
  name: "two-rates",
  durationS: 67.1,
  exitCode: 4,
  outcome: { kind: "finished", reason: "" },
  validity: {
    verdict: "invalid",
    reasons: ["agent node-7: send delay p99 11.2 ms is more than 4 ms"],
  },
  target: { ...BASE.target, model: "mixtral-8x7b" },
  slo: [TTFT_CLAUSE],
  workload: {
    classes: [
      {
        name: "chat",
        weight: 4,
        promptTokens: { kind: "lognormal", mean: 512, coefficientOfVariation: 0.8 },
        outputTokens: { kind: "normal", mean: 128, standardDeviation: 32 },
      },
      {
        name: "rag",
        weight: 1,
        promptTokens: { kind: "empirical", values: [900, 1_200, 2_400] },
        outputTokens: { kind: "fixed", tokens: 64 },
      },
    ],
  },
  agents: [
    { ...agentOf("node-3", 350), sendDelayMs: summaryOf(350, 0.09, 3) },
    { ...agentOf("node-7", 250), sendDelayMs: summaryOf(662, 3.1, 2.9), lost: true },
  ],
  probes: [
    probeOf({
      segment: 1,
      rate: 4,
      startS: 0,
      durationS: 30,
      ttftP50Ms: 48,
      ttftSpread: 1.6,
      more: {
        purpose: "measure",
        achievedPerSecond: 3.9,
        verdict: "undecided",
        reason: "120 requests are too few for p99",
        countsByOutcome: counts({
          scheduled: 120,
          fired: 120,
          ok: 117,
          http_error: 2,
          timeout: 1,
        }),
        httpErrorsByStatus: { "500": 1, "503": 1 },
        clauses: clausesOf(120, ["undecided", 3]),
        goodputFraction: 0.975,
        goodputPerSecond: 3.9,
        tokensFrom: "events",
      },
    }),
    probeOf({
      segment: 2,
      rate: 30,
      startS: 31,
      durationS: 30,
      ttftP50Ms: 180,
      ttftSpread: 2,
      more: {
        purpose: "measure",
        achievedPerSecond: 24.2,
        verdict: "violated",
        reason: "270 of 900 over 200ms",
        validity: {
          verdict: "invalid",
          reasons: [
            "agent node-7: send delay p99 11.2 ms is more than 4 ms",
            "agent node-7 was lost 21 s into the window, with 12 requests open",
          ],
        },
        countsByOutcome: counts({
          scheduled: 900,
          fired: 820,
          ok: 760,
          http_error: 40,
          stream_error: 8,
          unknown: 12,
          dropped_in_flight_bound: 30,
          not_offered_aborted: 50,
        }),
        httpErrorsByStatus: { "429": 40 },
        clauses: clausesOf(900, ["violated", 270]),
        goodputFraction: 0.7,
        goodputPerSecond: 21,
        tokensFrom: "events",
      },
    }),
  ],
  lost: {
    arrivalRanges: [
      { segment: 2, agentId: "node-7", from: 640, to: 740, count: 50, offered: "unknown" },
    ],
    unknownCount: 12,
  },
};

const OBSERVED_RATES = [
  { rate: 5, ttft: 40, running: 2.1, waiting: 0, kvUse: 0.06 },
  { rate: 20, ttft: 62, running: 9.4, waiting: 0.4, kvUse: 0.28 },
  { rate: 40, ttft: 160, running: 31.5, waiting: 12.8, kvUse: 0.91 },
] as const;

/** A list of rates with the server's own account, in which a scrape failed and one check does not hold. */
export const observed: Result = {
  ...BASE,
  command: "run",
  name: "observed",
  durationS: 91.2,
  exitCode: 0,
  outcome: { kind: "finished", reason: "" },
  validity: { verdict: "valid", reasons: [] },
  slo: [TTFT_CLAUSE],
  agents: [agentOf("local-1", 1_950)],
  probes: OBSERVED_RATES.map(({ rate, ttft, running, waiting, kvUse }, place) =>
    probeOf({
      segment: place + 1,
      rate,
      startS: 30 * place,
      durationS: 30,
      ttftP50Ms: ttft,
      ttftSpread: 1.5,
      more: {
        purpose: "measure",
        server: {
          waitingMean: waiting,
          waitingMax: Math.ceil(3 * waiting),
          runningMean: running,
          kvUseMean: kvUse,
          completedPerSecond: rate,
          generationTokensPerSecond: 64 * rate,
          replicas: 2,
          scrapeCount: place === 1 ? 59 : 60,
          problems:
            place === 1 ? ["1 of 60 scrapes of http://10.0.0.2:8000/metrics failed: HTTP 503"] : [],
        },
      },
    }),
  ),
  server: {
    engine: "vllm",
    urls: ["http://pods.example:8000/metrics"],
    replicas: 2,
    scrapeIntervalS: 1,
    checks: [
      {
        name: "littles-law",
        holds: true,
        text: "at 20 requests/s the server holds 9.8 requests (running + waiting), and its rate times their time is 9.7 (within ± 1.1 they agree)",
      },
      {
        name: "completions",
        holds: false,
        text: "between the first and the last scrape of each window the server completed 905 requests by its own count, and 1820 to 1901 ended here",
      },
    ],
    problems: ["1 of 182 scrapes of http://10.0.0.2:8000/metrics failed: HTTP 503"],
    series: {
      atS: Array.from({ length: 91 }, (_, at) => at + 0.5),
      waiting: Array.from({ length: 91 }, (_, at) => (at < 60 ? 0 : ((at * 7) % 12) + at - 60)),
      running: Array.from({ length: 91 }, (_, at) =>
        at === 45 ? null : Math.min(32, ((at * 5) % 4) + (at < 30 ? 2 : at < 60 ? 8 : 24)),
      ),
      kvUse: Array.from({ length: 91 }, (_, at) => Math.min(1, 0.05 + 0.0001 * at * at)),
    },
  },
};

/** The unloaded server already misses the SLO: no load was tried. */
export const hopeless: Result = {
  ...BASE,
  command: "find",
  name: "hopeless",
  durationS: 14.2,
  exitCode: 99,
  scheduleHash: null,
  outcome: {
    kind: "hopeless",
    reason:
      "the unloaded service misses it: 31 of 100 requests, one at a time, took longer than 200ms",
  },
  validity: { verdict: "valid", reasons: [] },
  slo: [TTFT_CLAUSE],
  agents: [agentOf("local-1", 100)],
  floor: { ttftMs: summaryOf(100, 190, 1.3), e2eMs: summaryOf(100, 2_100, 1.1) },
  probes: [
    probeOf({
      segment: 1,
      rate: 5,
      startS: 2,
      durationS: 20,
      ttftP50Ms: 190,
      ttftSpread: 1.3,
      more: {
        purpose: "calibrate",
        mode: "serial",
        requestsPerSecond: null,
        verdict: "violated",
        reason: "31 of 100 over 200ms",
        clauses: clausesOf(100, ["violated", 31]),
      },
    }),
  ],
};
