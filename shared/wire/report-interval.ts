import type { MessageInitShape } from "@bufbuild/protobuf";
import type { Histogram } from "../measurement/histogram.ts";
import type { ClauseCount, Exceedance, Interval } from "../measurement/interval.ts";
import type { Metric } from "../measurement/metric.ts";
import { METRICS, unitsPerTick } from "../measurement/metric.ts";
import type {
  ClassDelta,
  ClauseDelta,
  Exceedance as ExceedanceMessage,
  IntervalDelta,
  IntervalDeltaSchema,
} from "./gen/loadline/v1/report_pb.ts";
import { bounded, countOf, integerOf, malformed, nameOf, present } from "./report-bounds.ts";
import {
  activityFromMessage,
  activityToMessage,
  countersFromMessage,
  countersToMessage,
  histogramFromMessage,
  histogramToMessage,
} from "./report-parts.ts";

const CLASSES_MAX = 64;
const CLAUSES_MAX = 64;
const THRESHOLDS_MAX = 256;
/** Agents list the first 1,024 per interval; the rest is slack for what they choose to list by clause. */
const EXCEEDANCES_MAX = 16_384;

export function intervalToMessage(
  interval: Interval,
): MessageInitShape<typeof IntervalDeltaSchema> {
  return {
    segment: interval.segment,
    fromNs: BigInt(Math.round(interval.fromNs)),
    toNs: BigInt(Math.round(interval.toNs)),
    recorded: interval.recorded,
    counters: countersToMessage(interval.counters),
    classes: [...interval.classes].map(([className, histograms]) => ({
      className,
      histograms: [...histograms].map(([metric, each]) => histogramToMessage(metric, each)),
    })),
    clauses: interval.clauses.map((count, clause) => ({
      clause,
      total: BigInt(count.total),
      over: count.over.map(BigInt),
    })),
    exceedances: interval.exceedances.map((exceedance) => ({
      index: BigInt(exceedance.index),
      intendedAtNs: BigInt(Math.round(exceedance.intendedAtNs)),
      clause: exceedance.clause,
      level: exceedance.level,
    })),
    exceedancesCut: BigInt(interval.exceedancesCut),
    activity: activityToMessage(interval.activity),
  };
}

/** @throws LoadError LL_REPORT_MALFORMED */
export function intervalFromMessage(message: IntervalDelta): Interval {
  const fromNs = integerOf(message.fromNs, "from_ns");
  const toNs = integerOf(message.toNs, "to_ns");
  if (toNs < fromNs)
    throw malformed(`an interval ends (${toNs} ns) before it begins (${fromNs} ns)`);
  return {
    segment: message.segment,
    fromNs,
    toNs,
    recorded: message.recorded,
    counters: countersFromMessage(present(message.counters, "counters")),
    classes: classesFromMessage(bounded(message.classes, CLASSES_MAX, "classes")),
    clauses: bounded(message.clauses, CLAUSES_MAX, "clauses").map(clauseFromMessage),
    exceedances: bounded(message.exceedances, EXCEEDANCES_MAX, "exceedances").map(
      exceedanceFromMessage,
    ),
    exceedancesCut: countOf(message.exceedancesCut, "exceedances_cut"),
    activity: activityFromMessage(present(message.activity, "activity")),
  };
}

function classesFromMessage(
  messages: readonly ClassDelta[],
): ReadonlyMap<string, ReadonlyMap<Metric, Histogram>> {
  const classes = new Map<string, ReadonlyMap<Metric, Histogram>>();
  for (const message of messages) {
    const className = nameOf(message.className, "class_name");
    if (classes.has(className)) throw malformed(`class ${className} comes twice`);
    const histograms = new Map<Metric, Histogram>();
    for (const each of bounded(message.histograms, METRICS.length, "histograms")) {
      const metric = metricOf(each.metric);
      if (histograms.has(metric)) throw malformed(`metric ${metric} comes twice in one class`);
      histograms.set(metric, histogramFromMessage(each, unitsPerTick(metric)));
    }
    classes.set(className, histograms);
  }
  return classes;
}

function metricOf(name: string): Metric {
  const metric = METRICS.find((candidate) => candidate === name);
  if (metric === undefined) throw malformed("it holds a metric that is not known");
  return metric;
}

/** Clauses come in the order of the SLO, all of them. */
function clauseFromMessage(message: ClauseDelta, position: number): ClauseCount {
  if (message.clause !== position) {
    throw malformed(`clause ${message.clause} stands at position ${position}`);
  }
  const total = countOf(message.total, "total");
  const over = bounded(message.over, THRESHOLDS_MAX, "over").map((each) => countOf(each, "over"));
  return { total, over };
}

/** Whether the clause has that threshold is the merge's to judge: it knows the plan. */
function exceedanceFromMessage(message: ExceedanceMessage): Exceedance {
  if (message.clause >= CLAUSES_MAX || message.level > THRESHOLDS_MAX) {
    throw malformed(`an exceedance names level ${message.level} of clause ${message.clause}`);
  }
  return {
    index: countOf(message.index, "index"),
    intendedAtNs: integerOf(message.intendedAtNs, "intended_at_ns"),
    clause: message.clause,
    level: message.level,
  };
}
