import type { ProbeView, Result, Summary } from "../show/result.ts";
import { leadMetricOf } from "./from-run.ts";
import type { PairedFigure, PairedLevel } from "./paired-level.ts";
import { minimumDetectableRatio, type Ratio } from "./ratio.ts";
import { studentBound } from "./student.ts";

export const PAIRED_CONFIDENCE = 0.95;

/** With three the interval is three times as wide as it need be, and says little of its own error. */
const PAIRS_MIN = 4;
/** A window whose requests fail looks fast: what it says of time is not comparable. */
const OK_FRACTION_MIN = 0.99;

/**
 * What windows say that alternated between two endpoints: of each load the mean of the pairs' log-ratios with Student's
 * interval. What drifts hits both windows of a pair; what it adds to a single pair is part of the spread that is seen.
 *
 * @param probes in the order in which they were driven: pair by pair, load by load.
 */
export function pairedLevels({
  probes,
  slo,
}: Pick<Result, "probes" | "slo">): readonly PairedLevel[] {
  const levels: [ProbeView, ...ProbeView[]][] = [];
  for (const probe of probes) {
    const first = levels.at(-1)?.[0];
    if (first !== undefined && isSameLoad(first, probe)) levels.at(-1)?.push(probe);
    else levels.push([probe]);
  }
  return levels.map((level) => levelOf(level, leadMetricOf({ slo })));
}

function isSameLoad(a: ProbeView, b: ProbeView): boolean {
  return (
    a.mode === b.mode && a.requestsPerSecond === b.requestsPerSecond && a.streams === b.streams
  );
}

interface Pair {
  readonly target: number;
  readonly against: number;
}

function levelOf(
  probes: readonly [ProbeView, ...ProbeView[]],
  leadMetric: "ttft" | "itl" | "e2e",
): PairedLevel {
  const [{ mode, requestsPerSecond, streams }] = probes;
  const figure = mode === "open" ? leadMetric : "completed";
  const pairs = pairsOf(probes, figure);
  return {
    mode,
    requestsPerSecond,
    streams,
    figure,
    pairs: pairs.length,
    leftOut: Math.ceil(probes.length / 2) - pairs.length,
    target: geometricMean(pairs.map(({ target }) => target)),
    against: geometricMean(pairs.map(({ against }) => against)),
    ...ratioOf(pairs, { figure, probes }),
  };
}

function ratioOf(
  pairs: readonly Pair[],
  { figure, probes }: { readonly figure: PairedFigure; readonly probes: readonly ProbeView[] },
): Pick<PairedLevel, "ratio" | "minimumDetectableRatio" | "reason"> {
  if (pairs.length < PAIRS_MIN) {
    const reason = `${pairs.length} pairs of windows count, and it takes ${PAIRS_MIN}${whyLeftOut(probes)}`;
    return { ratio: null, minimumDetectableRatio: null, reason };
  }
  // Of a time the smaller one is better.
  const sign = figure === "completed" ? 1 : -1;
  const ratio = studentRatio(pairs.map(({ target, against }) => sign * Math.log(against / target)));
  const minimum = minimumDetectableRatio(ratio, PAIRED_CONFIDENCE);
  return { ratio, minimumDetectableRatio: minimum ?? null, reason: "" };
}

function whyLeftOut(probes: readonly ProbeView[]): string {
  const invalid = probes.filter(isSpoilt).length;
  const failed = probes.filter((probe) => !isSpoilt(probe) && hasFailed(probe)).length;
  const reasons = [
    ...(failed > 0 ? [`requests failed in ${failed}`] : []),
    ...(invalid > 0 ? [`${invalid} ${invalid === 1 ? "is" : "are"} invalid`] : []),
  ];
  return reasons.length === 0 ? "" : `; of ${probes.length} windows ${reasons.join(", and ")}`;
}

function isSpoilt({ validity }: ProbeView): boolean {
  return validity.verdict === "invalid";
}

function hasFailed({ countsByOutcome: { fired, ok } }: ProbeView): boolean {
  return ok < OK_FRACTION_MIN * fired;
}

/** Two windows that follow each other are a pair, whichever came first. */
function pairsOf(probes: readonly ProbeView[], figure: PairedFigure): readonly Pair[] {
  const pairs: Pair[] = [];
  for (let i = 0; i + 1 < probes.length; i += 2) {
    const both = probes.slice(i, i + 2);
    const target = valueOf(
      both.find(({ against }) => against !== true),
      figure,
    );
    const against = valueOf(
      both.find((probe) => probe.against === true),
      figure,
    );
    if (target !== undefined && against !== undefined) pairs.push({ target, against });
  }
  return pairs;
}

function valueOf(probe: ProbeView | undefined, figure: PairedFigure): number | undefined {
  if (probe === undefined || isSpoilt(probe) || hasFailed(probe)) return undefined;
  const value = figure === "completed" ? probe.completedPerSecond : summaryOf(probe, figure).mean;
  return value !== null && value > 0 ? value : undefined;
}

function summaryOf(probe: ProbeView, figure: "ttft" | "itl" | "e2e"): Summary {
  return probe[`${figure}Ms`];
}

/** A ratio from the logarithms of several. */
function studentRatio(logRatios: readonly number[]): Ratio {
  const count = logRatios.length;
  const mean = logRatios.reduce((sum, each) => sum + each, 0) / count;
  const squares = logRatios.reduce((sum, each) => sum + (each - mean) ** 2, 0);
  const standardError = Math.sqrt(squares / (count - 1) / count);
  const reach = studentBound(PAIRED_CONFIDENCE, count - 1) * standardError;
  return { value: Math.exp(mean), low: Math.exp(mean - reach), high: Math.exp(mean + reach) };
}

function geometricMean(values: readonly number[]): number | null {
  if (values.length === 0) return null;
  return Math.exp(values.reduce((sum, each) => sum + Math.log(each), 0) / values.length);
}
