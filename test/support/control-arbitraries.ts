import fc from "fast-check";
import type { Arrivals } from "../../shared/arrivals/arrivals.ts";
import type {
  Abort,
  AgentRequest,
  AgentResponse,
  ArmedSegment,
  ArmSegment,
  Hello,
  Lease,
  PrepareRun,
  Refusal,
  ReportAddress,
  Target,
} from "../../shared/control/control.ts";
import { METRICS } from "../../shared/measurement/metric.ts";
import type { Segment, SegmentMode } from "../../shared/segment/segment.ts";
import type { ClauseMetric, ClauseThresholds } from "../../shared/slo/slo.ts";
import type { Lengths, Workload } from "../../shared/workload/workload.ts";

/* Every value of the control path's domain, as far as it may be sent. */

const record = <T>(model: { [K in keyof T]: fc.Arbitrary<T[K]> }): fc.Arbitrary<T> =>
  fc.record<T>(model, { noNullPrototype: true });

const uint32 = fc.oneof(fc.nat(16), fc.integer({ min: 0, max: 0xffff_ffff }));
const count = fc.oneof(fc.nat(16), fc.maxSafeNat());
const instantNs = fc.oneof(fc.nat(16), fc.maxSafeInteger());
const text = fc.string({ unit: "binary", maxLength: 24 });
/** Printable, not empty. */
const name = fc.string({ minLength: 1, maxLength: 24 });
const positive = fc.double({ min: 1e-6, max: 1e12, noNaN: true });
const nonNegative = fc.double({ min: 0, max: 1e12, noNaN: true });
const optional = <T>(arbitrary: fc.Arbitrary<T>): fc.Arbitrary<T | undefined> =>
  fc.option(arbitrary, { nil: undefined });

export const arrivals: fc.Arbitrary<Arrivals> = fc.oneof(
  record({ kind: fc.constant("constant" as const), ratePerSecond: positive }),
  record({ kind: fc.constant("poisson" as const), ratePerSecond: positive }),
  record({
    kind: fc.constant("gamma" as const),
    ratePerSecond: positive,
    coefficientOfVariation: positive,
  }),
  record({
    kind: fc.constant("ramp" as const),
    fromRatePerSecond: nonNegative,
    toRatePerSecond: positive,
    durationNs: fc.integer({ min: 1, max: Number.MAX_SAFE_INTEGER }),
  }),
);

const mode: fc.Arbitrary<SegmentMode> = fc.oneof(
  record({ kind: fc.constant("open" as const), arrivals }),
  record({ kind: fc.constant("serial" as const), agentId: name }),
  record({ kind: fc.constant("closed" as const), streams: uint32 }),
  record({ kind: fc.constant("backlog" as const), waitingMax: uint32 }),
  record({ kind: fc.constant("idle" as const) }),
);

const share = record({ agentId: name, capacity: fc.integer({ min: 1, max: 0xffff_ffff }) });

export const segment: fc.Arbitrary<Segment> = record({
  number: fc.integer({ min: 1, max: 0xffff_ffff }),
  mode,
  instants: fc.tuple(instantNs, instantNs, instantNs, instantNs),
  requestsMax: count,
  shares: fc.array(share, { minLength: 1, maxLength: 5 }),
  isAgainst: fc.boolean(),
}).map(({ instants, isAgainst, ...rest }) => {
  const [startAtNs, recordFromNs, recordUntilNs, endByNs] = instants.sort((a, b) => a - b);
  return {
    ...rest,
    ...(isAgainst ? { against: true as const } : {}),
    startAtNs,
    recordFromNs,
    recordUntilNs,
    endByNs,
  };
});

export const armSegment: fc.Arbitrary<ArmSegment> = record({
  runId: name,
  incarnation: uint32,
  segment,
  clockOffset: record({ aheadNs: instantNs, errorBoundNs: count }),
});

export const lengths: fc.Arbitrary<Lengths> = fc.oneof(
  record({ kind: fc.constant("fixed" as const), tokens: uint32 }),
  fc
    .tuple(uint32, uint32)
    .map(([a, b]) => ({ kind: "uniform" as const, low: Math.min(a, b), high: Math.max(a, b) })),
  record({
    kind: fc.constant("normal" as const),
    mean: nonNegative,
    standardDeviation: nonNegative,
  }),
  record({
    kind: fc.constant("lognormal" as const),
    mean: positive,
    coefficientOfVariation: nonNegative,
  }),
  record({
    kind: fc.constant("empirical" as const),
    values: fc.array(uint32, { minLength: 1, maxLength: 20 }),
  }),
);

const workload: fc.Arbitrary<Workload> = record({
  classes: fc.array(
    record({ name, weight: positive, promptTokens: lengths, outputTokens: lengths }),
    { minLength: 1, maxLength: 3 },
  ),
});

/** What a YAML or JSON file may hold; JSON itself knows no negative zero. */
const extraBody = fc
  .dictionary(name, fc.jsonValue({ maxDepth: 2 }), { noNullPrototype: true, maxKeys: 4 })
  .map((body) => JSON.parse(JSON.stringify(body)) as Record<string, unknown>);

const headerName = fc.stringMatching(/^[!#$%&'*+.^_`|~0-9A-Za-z-]{1,12}$/);
const headerValue = fc.string({ maxLength: 20 });

export const target: fc.Arbitrary<Target> = record({
  url: name,
  endpoint: fc.constantFrom("chat" as const, "completions" as const),
  model: text,
  apiKeyEnv: optional(name),
  headers: fc.dictionary(headerName, headerValue, { noNullPrototype: true, maxKeys: 4 }),
  extraBody,
  timeoutNs: fc.integer({ min: 1, max: Number.MAX_SAFE_INTEGER }),
  caPem: optional(name),
  tlsInsecure: fc.boolean(),
  forceOutput: fc.boolean(),
});

const clauseMetric = fc.constantFrom<ClauseThresholds["metric"]>(
  ...METRICS.filter(
    (metric): metric is ClauseMetric => metric !== "send_delay" && metric !== "answer_ttft",
  ),
  "error_rate",
  "goodput",
);

const thresholds: fc.Arbitrary<ClauseThresholds> = record({
  clause: uint32,
  metric: clauseMetric,
  thresholds: fc
    .uniqueArray(nonNegative, { maxLength: 6 })
    .map((values) => values.sort((a, b) => a - b)),
  className: optional(name),
});

export const reportAddress: fc.Arbitrary<ReportAddress> = record({
  url: name,
  certificateFingerprint: text,
});

export const prepareRun: fc.Arbitrary<PrepareRun> = record({
  runId: name,
  incarnation: uint32,
  seed: count,
  target,
  workload,
  thresholds: fc.array(thresholds, { maxLength: 3 }),
  geometry: record({
    significantDigits: fc.integer({ min: 1, max: 5 }),
    lowestTicks: fc.integer({ min: 1, max: 1_000 }),
    highestTicks: fc.integer({ min: 2_000, max: Number.MAX_SAFE_INTEGER }),
  }),
  report: reportAddress,
  limits: record({
    inFlightMax: uint32,
    drainMaxNs: count,
    intervalNs: fc.integer({ min: 1, max: Number.MAX_SAFE_INTEGER }),
    leaseNs: fc.integer({ min: 1, max: Number.MAX_SAFE_INTEGER }),
  }),
  keepRecords: fc.boolean(),
  other: fc.option(target, { nil: undefined }),
}).map(({ other, ...rest }) => (other === undefined ? rest : { ...rest, against: other }));

export const agentRequest: fc.Arbitrary<AgentRequest> = fc.oneof(
  record({ kind: fc.constant("clock-probe" as const), sentAtNs: instantNs }),
  record({ kind: fc.constant("prepare-run" as const), prepareRun }),
  record({ kind: fc.constant("arm-segment" as const), armSegment }),
  record({
    kind: fc.constant("attach" as const),
    runId: name,
    incarnation: uint32,
    report: reportAddress,
  }),
  record({
    kind: fc.constant("stop" as const),
    runId: name,
    incarnation: uint32,
    reason: text,
  }),
  record({ kind: fc.constant("release" as const), runId: name, incarnation: uint32 }),
  fc.constant({ kind: "drain" as const }),
);

export const refusal: fc.Arbitrary<Refusal> = record({ code: name, message: text, hint: text });

const windowHash = fc.oneof(fc.constant(""), fc.stringMatching(/^[0-9a-f]{64}$/));

const armed: fc.Arbitrary<ArmedSegment> = record({
  segmentNumber: uint32,
  windowHash,
  ownedCount: count,
  totalCount: count,
});

export const agentResponse: fc.Arbitrary<AgentResponse> = fc.oneof(
  record({
    kind: fc.constant("clock-probe" as const),
    requestSentAtNs: instantNs,
    receivedAtNs: instantNs,
    repliedAtNs: instantNs,
  }),
  record({ kind: fc.constant("prepared" as const), epoch: count }),
  record({ kind: fc.constant("armed" as const), armed }),
  record({ kind: fc.constant("attached" as const), epoch: count, spooledReports: count }),
  fc.constant({ kind: "stopped" as const }),
  fc.constant({ kind: "released" as const }),
  record({ kind: fc.constant("leaving" as const), runId: fc.option(name, { nil: undefined }) }),
  record({ kind: fc.constant("refusal" as const), refusal }),
);

export const hello: fc.Arbitrary<Hello> = record({
  agentId: name,
  epoch: count,
  version: text,
  host: text,
  processId: uint32,
  cores: uint32,
  inFlightMax: uint32,
  cleanRatePerSecond: nonNegative,
  cleanTokensPerSecond: nonNegative,
  floor: optional(
    record({
      ttftP50Ns: count,
      ttftP99Ns: count,
      gapErrorP99Ns: count,
      itlErrorP99Ns: count,
      sendDelayP50Ns: count,
      sendDelayP99Ns: count,
    }),
  ),
  policy: record({
    targets: fc.array(text, { maxLength: 4 }),
    ratePerSecondMax: fc.oneof(nonNegative, fc.constant(Number.POSITIVE_INFINITY)),
    inFlightMax: uint32,
    durationNsMax: count,
    tokensMax: uint32,
  }),
  runId: optional(name),
  state: text,
});

export const lease: fc.Arbitrary<Lease> = record({
  runId: name,
  incarnation: uint32,
  segmentNumber: uint32,
  expiresInNs: count,
});

export const abort: fc.Arbitrary<Abort> = record({
  runId: fc.oneof(fc.constant(""), name),
  reason: text,
});
