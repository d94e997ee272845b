import type { CurveView, ProbeClauseView, Result, SloClauseView } from "../show/result.ts";
import type { Measured, SignalName } from "./measured.ts";
import { type SignalCurve, signalCurve, type SignalPoint } from "./signal-curve.ts";

/** Signals that a rule may follow. Requests of the fleet, or ("kv-use" and below) a mean part over its replicas. */
export const SIMULATED_SIGNALS = [
  "running+waiting",
  "in-flight",
  "running",
  "waiting",
  "kv-use",
  /** A GPU's utilisation as its driver counts it: the time in which anything ran. */
  "gpu",
  /** The throughput as a part of the most it can be: a utilisation as one would wish it. */
  "throughput",
] as const;
export type SimulatedSignal = (typeof SIMULATED_SIGNALS)[number];

/** Whether a signal is a part, 0 to 1, and no number of requests. */
export function isFraction(signal: SimulatedSignal): boolean {
  return signal === "kv-use" || signal === "gpu" || signal === "throughput";
}

/** A clause of the SLO that can be replayed. */
export interface ReplayedClause {
  readonly text: string;
  /** The part of the requests that may be over. */
  readonly limitFraction: number;
  /** A wait longer than this is over by itself, s; Infinity for a clause that waiting does not touch. */
  readonly waitMaxS: number;
  /** The part over the limit against the rate of one replica. */
  readonly over: SignalCurve;
}

/** One replica as it was measured, with its steady state at every rate up to its saturation. */
export interface ServiceModel {
  readonly saturationPerSecond: number;
  readonly clauses: readonly ReplayedClause[];
  /** Texts of the clauses that cannot be replayed. */
  readonly leftOut: readonly string[];
  /** The mean of a signal on one replica; undefined where it was not measured. */
  readonly signal: (name: SimulatedSignal) => ((ratePerSecond: number) => number) | undefined;
}

/** Metrics that begin when a request arrives: a queue adds to them. */
const WAITED_FOR = new Set(["ttft", "answer_ttft", "e2e", "service_ttft", "service_e2e"]);
const MS_PER_S = 1_000;

export function serviceModelOf(result: Result, measured: Measured): ServiceModel {
  const replayed = result.slo.map((clause) => replayedClause(clause, result, measured));
  return {
    saturationPerSecond: measured.saturationPerSecond,
    clauses: replayed.filter((clause) => clause !== undefined),
    leftOut: result.slo.flatMap(({ text }, place) => (replayed[place] === undefined ? [text] : [])),
    signal: (name) => signalOf(name, measured),
  };
}

function signalOf(
  name: SimulatedSignal,
  measured: Measured,
): ((ratePerSecond: number) => number) | undefined {
  if (name === "gpu") {
    const running = curveOf(measured, "running") ?? curveOf(measured, "in-flight");
    // The driver counts the time in which anything ran at all. Of a Poisson number with mean N, that is 1 - exp(-N).
    return running && ((rate) => 1 - Math.exp(-running.at(rate)));
  }
  if (name === "throughput") return (rate) => Math.min(1, rate / measured.saturationPerSecond);
  const curve = curveOf(measured, name);
  return curve && ((rate) => curve.at(rate));
}

/** Up to saturation: beyond it nothing is steady, and the replay keeps the queue itself. */
function curveOf(measured: Measured, name: SignalName): SignalCurve | undefined {
  return curveThrough(
    steady(measured).map((window) => ({ ...window, value: window.signals[name] })),
  );
}

function steady({ windows, saturationPerSecond }: Measured): Measured["windows"] {
  return windows.filter(({ ratePerSecond }) => ratePerSecond <= saturationPerSecond);
}

function curveThrough(
  points: readonly {
    readonly ratePerSecond: number;
    readonly durationS: number;
    readonly value: number | null;
  }[],
): SignalCurve | undefined {
  const known = points.flatMap(({ ratePerSecond, durationS, value }): SignalPoint[] =>
    value === null ? [] : [{ ratePerSecond, value, weight: durationS, standardDeviation: 0 }],
  );
  return known.length === 0 ? undefined : signalCurve(known);
}

function replayedClause(
  clause: SloClauseView,
  result: Result,
  measured: Measured,
): ReplayedClause | undefined {
  const percentile = /^p(\d+(?:\.\d+)?)$/.exec(clause.stat)?.[1];
  if (percentile === undefined) return undefined;
  const over = fittedCurve(result.curve, clause.text, measured) ?? countedCurve(clause, measured);
  if (over === undefined) return undefined;
  return {
    text: clause.text,
    limitFraction: (100 - Number(percentile)) / 100,
    waitMaxS: WAITED_FOR.has(clause.metric) ? clause.limit / MS_PER_S : Infinity,
    over,
  };
}

/** What the search fitted over all its windows is better than any window's own count. */
function fittedCurve(
  curves: readonly CurveView[] | null | undefined,
  clause: string,
  { replicas, saturationPerSecond }: Measured,
): SignalCurve | undefined {
  const points = curves?.find((curve) => curve.clause === clause)?.points ?? [];
  return curveThrough(
    points
      .map(({ requestsPerSecond, overFraction }) => ({
        ratePerSecond: requestsPerSecond / replicas,
        durationS: 1,
        value: overFraction,
      }))
      .filter(({ ratePerSecond }) => ratePerSecond <= saturationPerSecond),
  );
}

function countedCurve({ text }: SloClauseView, measured: Measured): SignalCurve | undefined {
  const fractionOf = (clauses: readonly ProbeClauseView[]): number | null =>
    clauses.find((each) => each.text === text)?.overFraction ?? null;
  return curveThrough(
    steady(measured).map((window) => ({ ...window, value: fractionOf(window.clauses) })),
  );
}
