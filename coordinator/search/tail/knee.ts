import { kneedle, mostPower } from "../knee.ts";
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
 * Where latency starts to rise steeply (Kneedle), and where the rate over it is highest, on the fitted curve
 * T(λ) = T0 + A r^m / (1 − r), r = λ/λ_s.
 */
export function kneeOf(blocks: readonly Block[], anchor: Anchor): SearchFindings["knee"] {
  const curve = latencyCurve(blocks, anchor.ratePerSecond);
  if (curve === undefined) return undefined;
  const points = Array.from({ length: POINTS }, (_, i) => {
    const rate = ((i + 1) / POINTS) * RANGE_PART * anchor.ratePerSecond;
    return { x: rate, y: curve(rate) };
  });
  const ratePerSecond = kneedle(points, { shape: "convex" });
  const powerRatePerSecond = mostPower(points);
  return ratePerSecond === undefined || powerRatePerSecond === undefined
    ? undefined
    : { ratePerSecond, powerRatePerSecond };
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
