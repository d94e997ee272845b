import type { Quantile, Summary } from "./result.ts";

/** Anything that can be summarised; a merged histogram is one. Values in one unit, whatever it is. */
export interface Distribution {
  readonly count: number;
  readonly min: number;
  readonly max: number;
  readonly mean: number;
  readonly standardDeviation: number;
  quantile(q: number): number;
}

/**
 * The fewest samples a quantile is told from: with that many, at least two of them beyond it are expected at
 * 99 % confidence, P(Binomial(n, 1 − q) <= 1) <= 0.01. Source: MLPerf LoadGen's early stopping. The median and
 * p75 are told from one sample on: they mislead nobody.
 */
export const SAMPLES_NEEDED = {
  p50: 1,
  p75: 1,
  p90: 64,
  p95: 130,
  p99: 662,
  p99_9: 6_636,
} as const satisfies Record<Quantile, number>;

const QUANTILES = [
  ["p50", 0.5],
  ["p75", 0.75],
  ["p90", 0.9],
  ["p95", 0.95],
  ["p99", 0.99],
  ["p99_9", 0.999],
] as const satisfies readonly (readonly [Quantile, number])[];

/** Nothing was measured. */
export const EMPTY_SUMMARY: Summary = {
  count: 0,
  min: null,
  max: null,
  mean: null,
  sd: null,
  p50: null,
  p75: null,
  p90: null,
  p95: null,
  p99: null,
  p99_9: null,
};

/**
 * Summarises a distribution.
 *
 * @param options.unitsPerValue what one unit of the distribution is worth in the summary's unit: 1e-6 from ns to ms.
 * @param options.slowSideIsLow for speeds: p99 is then the value that 1 % stay *below*.
 */
export function summarise(
  distribution: Distribution,
  options: { unitsPerValue: number; slowSideIsLow?: boolean },
): Summary {
  const { count } = distribution;
  if (count === 0) return EMPTY_SUMMARY;
  const scaled = (value: number): number => roundTo(value * options.unitsPerValue);

  const quantiles: Partial<Record<Quantile, number | null>> = {};
  const samplesNeeded: Partial<Record<Quantile, number>> = {};
  for (const [name, quantile] of QUANTILES) {
    const needed = SAMPLES_NEEDED[name];
    if (count < needed) {
      quantiles[name] = null;
      samplesNeeded[name] = needed;
      continue;
    }
    // Rounded, since 1 - 0.99 in floats lies just above 0.01, which is the next rank.
    const at = options.slowSideIsLow === true ? Number((1 - quantile).toFixed(6)) : quantile;
    quantiles[name] = scaled(distribution.quantile(at));
  }

  const summary = {
    ...EMPTY_SUMMARY,
    count,
    min: scaled(distribution.min),
    max: scaled(distribution.max),
    mean: scaled(distribution.mean),
    sd: scaled(distribution.standardDeviation),
    ...quantiles,
  };
  return Object.keys(samplesNeeded).length === 0 ? summary : { ...summary, samplesNeeded };
}

/** A µs of a ms: histograms know no more, and sums in floating point print digits nobody measured. */
function roundTo(value: number): number {
  return Math.round(value * 1_000) / 1_000;
}
