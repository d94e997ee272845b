import type { MessageInitShape } from "@bufbuild/protobuf";
import type {
  HistogramGeometry,
  PrepareRun,
  ReportAddress,
  RunLimits,
  Target,
} from "../control/control.ts";
import { METRICS } from "../measurement/metric.ts";
import type { ClauseMetric, ClauseThresholds } from "../slo/slo.ts";
import type { Lengths, TrafficClass, Workload } from "../workload/workload.ts";
import {
  check,
  finite,
  finiteFrom,
  lengthUpTo,
  malformed,
  name,
  nsToInt64,
  oneOf,
  positive,
  required,
  safeIntegerFrom,
  text,
  toInt64,
  toUint32,
} from "./fields.ts";
import type * as gen from "./gen/loadline/v1/run_pb.ts";

const HEADERS_MAX = 64;
const EXTRA_BODY_LENGTH_MAX = 65_536;
const CA_PEM_LENGTH_MAX = 262_144;
const CLASSES_MAX = 64;
const EMPIRICAL_VALUES_MAX = 100_000;
const CLAUSES_MAX = 256;
const THRESHOLDS_MAX = 1_024;
const SIGNIFICANT_DIGITS_MAX = 5;

const ENDPOINTS = ["chat", "completions"] as const;

const CLAUSE_METRICS: readonly ClauseThresholds["metric"][] = [
  ...METRICS.filter(
    (metric): metric is ClauseMetric => metric !== "send_delay" && metric !== "answer_ttft",
  ),
  "error_rate",
  "goodput",
];

/** Empty on the wire means absent. */
const absentIfEmpty = (value: string): string | undefined => (value === "" ? undefined : value);

function targetToWire(target: Target): MessageInitShape<typeof gen.TargetSchema> {
  return {
    url: target.url,
    endpoint: target.endpoint,
    model: target.model,
    apiKeyEnv: target.apiKeyEnv ?? "",
    headers: { ...target.headers },
    extraBodyJson: JSON.stringify(target.extraBody),
    timeoutNs: nsToInt64(target.timeoutNs, "timeoutNs"),
    caPem: target.caPem ?? "",
    tlsInsecure: target.tlsInsecure,
    forceOutput: target.forceOutput,
  };
}

function targetFromWire(message: gen.Target): Target {
  check(message.url !== "", "target.url is empty");
  return {
    url: text(message.url, "target.url"),
    endpoint: oneOf(ENDPOINTS, message.endpoint, "target.endpoint"),
    model: text(message.model, "target.model", 1_024),
    apiKeyEnv: absentIfEmpty(text(message.apiKeyEnv, "target.api_key_env", 256)),
    headers: headersFromWire(message.headers),
    extraBody: extraBodyFromWire(message.extraBodyJson),
    timeoutNs: safeIntegerFrom(1, message.timeoutNs, "target.timeout_ns"),
    caPem: absentIfEmpty(text(message.caPem, "target.ca_pem", CA_PEM_LENGTH_MAX)),
    tlsInsecure: message.tlsInsecure,
    forceOutput: message.forceOutput,
  };
}

/** Header names are HTTP tokens and values hold no line breaks: a plan cannot smuggle in a second request. */
function headersFromWire(headers: Readonly<Record<string, string>>): Record<string, string> {
  const entries = lengthUpTo(HEADERS_MAX, Object.entries(headers), "target.headers");
  for (const [headerName, value] of entries) {
    check(
      /^[!#$%&'*+.^_`|~0-9A-Za-z-]{1,256}$/.test(headerName),
      "a header's name is not an HTTP token",
    );
    check(
      !/[\r\n\0]/.test(text(value, "target.headers")),
      `the header ${headerName} holds a line break`,
    );
  }
  return Object.fromEntries(entries);
}

function extraBodyFromWire(json: string): Record<string, unknown> {
  text(json, "target.extra_body_json", EXTRA_BODY_LENGTH_MAX);
  let value: unknown;
  try {
    value = JSON.parse(json);
  } catch (cause) {
    throw malformed("target.extra_body_json is not JSON", cause);
  }
  if (!isJsonObject(value)) throw malformed("target.extra_body_json is not an object");
  return value;
}

function isJsonObject(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

type LengthsToWire = MessageInitShape<typeof gen.LengthsSchema>;

function lengthsToWire(lengths: Lengths): LengthsToWire {
  switch (lengths.kind) {
    case "fixed":
      return { distribution: { case: "fixed", value: { tokens: lengths.tokens } } };
    case "uniform":
      return {
        distribution: { case: "uniform", value: { low: lengths.low, high: lengths.high } },
      };
    case "normal": {
      const { mean, standardDeviation } = lengths;
      return { distribution: { case: "normal", value: { mean, standardDeviation } } };
    }
    case "lognormal": {
      const { mean, coefficientOfVariation } = lengths;
      return { distribution: { case: "lognormal", value: { mean, coefficientOfVariation } } };
    }
    case "empirical":
      return { distribution: { case: "empirical", value: { values: [...lengths.values] } } };
  }
}

function lengthsFromWire(message: gen.Lengths): Lengths {
  const { distribution } = message;
  switch (distribution.case) {
    case "fixed":
      return { kind: "fixed", tokens: distribution.value.tokens };
    case "uniform": {
      const { low, high } = distribution.value;
      check(low <= high, "uniform lengths go from high to low");
      return { kind: "uniform", low, high };
    }
    case "normal":
      return {
        kind: "normal",
        mean: finiteFrom(0, distribution.value.mean, "normal.mean"),
        standardDeviation: finiteFrom(
          0,
          distribution.value.standardDeviation,
          "normal.standard_deviation",
        ),
      };
    case "lognormal": {
      const { mean, coefficientOfVariation } = distribution.value;
      return {
        kind: "lognormal",
        mean: positive(mean, "lognormal.mean"),
        coefficientOfVariation: finiteFrom(
          0,
          coefficientOfVariation,
          "lognormal.coefficient_of_variation",
        ),
      };
    }
    case "empirical": {
      const { values } = distribution.value;
      check(values.length > 0, "empirical lengths hold no value");
      return { kind: "empirical", values: lengthUpTo(EMPIRICAL_VALUES_MAX, values, "values") };
    }
    case undefined:
      throw malformed("lengths name no distribution");
  }
}

function workloadToWire(workload: Workload): MessageInitShape<typeof gen.WorkloadSchema> {
  return {
    classes: workload.classes.map((each) => ({
      name: each.name,
      weight: each.weight,
      promptTokens: lengthsToWire(each.promptTokens),
      outputTokens: lengthsToWire(each.outputTokens),
    })),
  };
}

function workloadFromWire(message: gen.Workload): Workload {
  check(message.classes.length > 0, "the workload has no class");
  const classes = lengthUpTo(CLASSES_MAX, message.classes, "classes").map(
    (each): TrafficClass => ({
      name: name(each.name, "classes.name"),
      weight: positive(each.weight, "classes.weight"),
      promptTokens: lengthsFromWire(required(each.promptTokens, "classes.prompt_tokens")),
      outputTokens: lengthsFromWire(required(each.outputTokens, "classes.output_tokens")),
    }),
  );
  return { classes };
}

function thresholdsToWire(
  each: ClauseThresholds,
): MessageInitShape<typeof gen.ClauseThresholdsSchema> {
  return {
    clause: toUint32(each.clause, "clause"),
    metric: each.metric,
    thresholds: [...each.thresholds],
    className: each.className ?? "",
  };
}

function thresholdsFromWire(message: gen.ClauseThresholds): ClauseThresholds {
  const thresholds = lengthUpTo(THRESHOLDS_MAX, message.thresholds, "thresholds");
  thresholds.forEach((threshold, i) => {
    const before = thresholds[i - 1] ?? Number.NEGATIVE_INFINITY;
    check(before < finite(threshold, "thresholds"), "thresholds are not ascending");
  });
  return {
    clause: message.clause,
    metric: oneOf(CLAUSE_METRICS, message.metric, "thresholds.metric"),
    thresholds,
    className: absentIfEmpty(text(message.className, "thresholds.class_name", 256)),
  };
}

function geometryToWire(
  geometry: HistogramGeometry,
): MessageInitShape<typeof gen.HistogramGeometrySchema> {
  return {
    significantDigits: toUint32(geometry.significantDigits, "significantDigits"),
    lowestUs: toInt64(geometry.lowestTicks, "lowestTicks"),
    highestUs: toInt64(geometry.highestTicks, "highestTicks"),
  };
}

/** Bounded before anything is allocated by it. */
function geometryFromWire(message: gen.HistogramGeometry): HistogramGeometry {
  const { significantDigits } = message;
  check(
    significantDigits >= 1 && significantDigits <= SIGNIFICANT_DIGITS_MAX,
    `geometry.significant_digits is not 1 to ${SIGNIFICANT_DIGITS_MAX}`,
  );
  const lowestTicks = safeIntegerFrom(1, message.lowestUs, "geometry.lowest");
  const highestTicks = safeIntegerFrom(2, message.highestUs, "geometry.highest");
  check(highestTicks >= 2 * lowestTicks, "geometry.highest is below twice the lowest");
  return { significantDigits, lowestTicks, highestTicks };
}

export function reportAddressFromWire(message: gen.ReportAddress): ReportAddress {
  check(message.url !== "", "report.url is empty");
  return {
    url: text(message.url, "report.url", 1_024),
    certificateFingerprint: text(
      message.certificateFingerprint,
      "report.certificate_fingerprint",
      256,
    ),
  };
}

function limitsToWire(limits: RunLimits): MessageInitShape<typeof gen.RunLimitsSchema> {
  return {
    inFlightMax: toUint32(limits.inFlightMax, "inFlightMax"),
    drainMaxNs: nsToInt64(limits.drainMaxNs, "drainMaxNs"),
    intervalNs: nsToInt64(limits.intervalNs, "intervalNs"),
    leaseNs: nsToInt64(limits.leaseNs, "leaseNs"),
  };
}

function limitsFromWire(message: gen.RunLimits): RunLimits {
  return {
    inFlightMax: message.inFlightMax,
    drainMaxNs: safeIntegerFrom(0, message.drainMaxNs, "limits.drain_max_ns"),
    intervalNs: safeIntegerFrom(1, message.intervalNs, "limits.interval_ns"),
    leaseNs: safeIntegerFrom(1, message.leaseNs, "limits.lease_ns"),
  };
}

export function prepareRunToWire(
  prepare: PrepareRun,
): MessageInitShape<typeof gen.PrepareRunRequestSchema> {
  return {
    runId: prepare.runId,
    incarnation: toUint32(prepare.incarnation, "incarnation"),
    seed: toInt64(prepare.seed, "seed"),
    target: targetToWire(prepare.target),
    ...(prepare.against === undefined ? {} : { against: targetToWire(prepare.against) }),
    workload: workloadToWire(prepare.workload),
    thresholds: prepare.thresholds.map(thresholdsToWire),
    geometry: geometryToWire(prepare.geometry),
    report: prepare.report,
    limits: limitsToWire(prepare.limits),
    keepRecords: prepare.keepRecords,
  };
}

export function prepareRunFromWire(message: gen.PrepareRunRequest): PrepareRun {
  return {
    runId: name(message.runId, "run_id"),
    incarnation: message.incarnation,
    seed: safeIntegerFrom(0, message.seed, "seed"),
    target: targetFromWire(required(message.target, "target")),
    ...(message.against === undefined ? {} : { against: targetFromWire(message.against) }),
    workload: workloadFromWire(required(message.workload, "workload")),
    thresholds: lengthUpTo(CLAUSES_MAX, message.thresholds, "thresholds").map(thresholdsFromWire),
    geometry: geometryFromWire(required(message.geometry, "geometry")),
    report: reportAddressFromWire(required(message.report, "report")),
    limits: limitsFromWire(required(message.limits, "limits")),
    keepRecords: message.keepRecords,
  };
}
