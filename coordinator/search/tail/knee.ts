import type { SearchFindings } from "../procedure.ts";
import type { Anchor } from "./anchor.ts";
import type { Block } from "./block.ts";

const BLOCKS_MIN = 3;
const POINTS = 200;
const RANGE_PART = 0.985;
/** Shapes tried: how late the rise comes. M/M/1 has 1, many servers more. */
const EXPONENTS = [1, 1.5, 2, 3, 4, 6, 8] as const;

/** Mean time in system at a rate, s. */
type LatencyCurve = (ratePerSecond: number) => number;

/**
 * Where latency starts to rise steeply, on the fitted curve T(λ) = T0 + A r^m / (1 − r), r = λ/λ_s.
 *
 * Kneedle: both axes scaled to 0 … 1, the knee of a rising convex curve is where it lies furthest below the diagonal
 * (Satopää et al. 2011). Power: the rate at which λ / T(λ) is highest (Kleinrock 1979).
 */
export function kneeOf(blocks: readonly Block[], anchor: Anchor): SearchFindings["knee"] {
  const curve = latencyCurve(blocks, anchor.ratePerSecond);
  if (curve === undefined) return undefined;
  const rates = Array.from(
    { length: POINTS },
    (_, i) => ((i + 1) / POINTS) * RANGE_PART * anchor.ratePerSecond,
  );
  const latencies = rates.map(curve);
  const lowest = latencies[0] ?? 0;
  const highest = latencies.at(-1) ?? lowest;
  if (highest <= lowest) return undefined;
  const farthest = bestOf(rates, (rate, i) => {
    const x = i / (POINTS - 1);
    return x - (curve(rate) - lowest) / (highest - lowest);
  });
  return {
    ratePerSecond: farthest,
    powerRatePerSecond: bestOf(rates, (rate) => rate / curve(rate)),
  };
}

function bestOf(rates: readonly number[], valueOf: (rate: number, i: number) => number): number {
  let best = rates[0] ?? 0;
  let highest = -Infinity;
  for (const [i, rate] of rates.entries()) {
    const value = valueOf(rate, i);
    if (value > highest) {
      highest = value;
      best = rate;
    }
  }
  return best;
}

/** Least squares on ln T over the blocks, for each shape; T0 is the unloaded mean. */
function latencyCurve(
  blocks: readonly Block[],
  saturationPerSecond: number,
): LatencyCurve | undefined {
  const unloadedS = blocks.find(({ kind }) => kind === "unloaded")?.e2eMeanS ?? undefined;
  const points = blocks.flatMap(({ ratePerSecond, e2eMeanS, kind }) => {
    const r = ratePerSecond / saturationPerSecond;
    return kind === "unloaded" || e2eMeanS === null || r >= RANGE_PART ? [] : [{ r, e2eMeanS }];
  });
  if (unloadedS === undefined || points.length < BLOCKS_MIN) return undefined;
  let best: { readonly misfit: number; readonly curve: LatencyCurve } | undefined;
  for (const exponent of EXPONENTS) {
    const rise = (r: number): number => r ** exponent / (1 - Math.min(r, 0.999));
    const weights = points.map(({ r, e2eMeanS }) => ({
      x: rise(r) / e2eMeanS,
      y: (e2eMeanS - unloadedS) / e2eMeanS,
    }));
    const squares = weights.reduce((sum, { x }) => sum + x * x, 0);
    const height = Math.max(0, weights.reduce((sum, { x, y }) => sum + x * y, 0) / squares);
    const misfit = points.reduce(
      (sum, { r, e2eMeanS }) => sum + Math.log((unloadedS + height * rise(r)) / e2eMeanS) ** 2,
      0,
    );
    if (best !== undefined && best.misfit <= misfit) continue;
    best = { misfit, curve: (rate) => unloadedS + height * rise(rate / saturationPerSecond) };
  }
  return best?.curve;
}
