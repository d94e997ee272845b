import type { ClauseEstimate, FitInput } from "./clause-estimate.ts";
import { focusOf, withoutFocus } from "./clause-estimate.ts";
import { correctDirectly, type DirectCount } from "./direct-correction.ts";
import { dispersionBetween } from "./dispersion.ts";
import { jackknifeVariance } from "./jackknife.ts";
import type { ClauseModel } from "./models.ts";
import { fitSurface, floorAtLimit, rootOf, slopeOf, surfaceAt, type Surface } from "./surface.ts";

/** Error of the surface's form itself, in ln(rate): tails are not quite log-linear. */
const STRUCTURAL_LOG_SD = 0.05;
/** Added as the service alone comes near ε: there the root hangs on the floor. */
const FLOOR_LOG_SD = 0.12;
/** Spread taken between decisions, where no jackknife is worth its time. */
const BETWEEN_DECISIONS_LOG_SD = 0.03;
/** Spread without enough focus blocks for a jackknife: ramp steps and saturation alone. */
const WITHOUT_FOCUS_LOG_SD = 0.12;
const JACKKNIFE_BLOCKS_MIN = 3;
/** Counts weigh fully once this many requests near the answer may be over; before, as the square of that part. */
const OVER_NEAR_WANTED = 5;
const NEAR = 0.12;
const HOT_FRACTION = 0.25;
const HOT_WEIGHT = 0.15;
/** The grid reaches this far in ln(rate), and this little beyond saturation. */
const LOG_REACH = 0.45;
const BEYOND_SATURATION = 1.02;
const SLOPE_MIN = 3;

/** The tail surface's root, corrected by the counts over the limit itself. */
export function estimateBySurface(model: ClauseModel, input: FitInput): ClauseEstimate {
  const { blocks, anchor, tail } = input;
  const surface = fitSurface(model, blocks, { anchor });
  const root = rootOf(surface, model.allowedFraction);
  const part = root / anchor.ratePerSecond;
  const slope = Math.max(SLOPE_MIN, slopeOf(surface) * part);
  const dispersion = dispersionBetween(blocks, expectationOf(model, surface), Math.min(0.98, part));
  const floor = floorAtLimit(surface);
  const variance =
    fitVariance(model, input, { surface, root }) +
    STRUCTURAL_LOG_SD ** 2 +
    (FLOOR_LOG_SD * Math.min(1, floor / model.allowedFraction)) ** 2;
  const posterior = correctDirectly(
    {
      ratePerSecond: root,
      logSd: Math.sqrt(variance),
      slope,
      rateMaxPerSecond: anchor.isAtLeast ? Infinity : anchor.ratePerSecond * BEYOND_SATURATION,
      logReach: LOG_REACH,
    },
    directCounts(model, input, { root, dispersion }),
    { allowedFraction: model.allowedFraction, tail },
  );
  const logHalfWidth = Math.log(posterior.highPerSecond / posterior.lowPerSecond) / 2;
  const { ratePerSecond } = posterior;
  return {
    model,
    ratePerSecond,
    lowPerSecond: ratePerSecond * Math.exp(-logHalfWidth),
    highPerSecond: ratePerSecond * Math.exp(logHalfWidth),
    slope,
    clumpFactor: dispersion,
    floor,
    // The corrected answer moves the curve along the rate, and keeps its shape.
    overAt: (rate) =>
      surfaceAt(surface, {
        j: surface.used.length - 1,
        u: 1,
        ratePerSecond: (rate * root) / ratePerSecond,
      }),
  };
}

function expectationOf(
  model: ClauseModel,
  surface: Surface,
): Parameters<typeof dispersionBetween>[1] {
  return {
    clause: model.index,
    levels: surface.used,
    expected: (level, ratePerSecond) =>
      surfaceAt(surface, {
        j: surface.used.indexOf(level),
        u: model.thresholds[level] ?? 1,
        ratePerSecond,
      }),
  };
}

/** Variance of ln(root): between blocks by the jackknife, and by what saturation is uncertain. */
function fitVariance(
  model: ClauseModel,
  { blocks, anchor, thorough }: FitInput,
  { surface, root }: { readonly surface: Surface; readonly root: number },
): number {
  const count = focusOf(blocks).length;
  if (count < JACKKNIFE_BLOCKS_MIN) return WITHOUT_FOCUS_LOG_SD ** 2;
  if (!thorough) return BETWEEN_DECISIONS_LOG_SD ** 2;
  const start = surface.coefficients;
  const logRoot = Math.log(root);
  const between = jackknifeVariance(logRoot, count, (i) =>
    Math.log(
      rootOf(fitSurface(model, withoutFocus(blocks, i), { anchor, start }), model.allowedFraction),
    ),
  );
  const shifted = {
    ...anchor,
    ratePerSecond: anchor.ratePerSecond * (1 + anchor.relativeSd),
  };
  const byAnchor =
    Math.log(rootOf(fitSurface(model, blocks, { anchor: shifted, start }), model.allowedFraction)) -
    logRoot;
  return between + byAnchor ** 2;
}

function directCounts(
  model: ClauseModel,
  { blocks }: FitInput,
  { root, dispersion }: { readonly root: number; readonly dispersion: number },
): readonly DirectCount[] {
  const counts = focusOf(blocks).flatMap((block) => {
    const counted = block.clauses[model.index];
    const total = counted?.decided[model.limitIndex] ?? 0;
    const over = counted?.over[model.limitIndex] ?? 0;
    if (total <= 0) return [];
    const weight = (over > HOT_FRACTION * total ? HOT_WEIGHT : 1) / dispersion;
    return [{ ratePerSecond: block.ratePerSecond, over: over * weight, total: total * weight }];
  });
  const near = counts
    .filter(({ ratePerSecond }) => Math.abs(ratePerSecond / root - 1) < NEAR)
    .reduce((sum, { total }) => sum + total, 0);
  const gate = Math.min(1, ((near * model.allowedFraction) / OVER_NEAR_WANTED) ** 2);
  return counts.map((count) => ({ ...count, over: count.over * gate, total: count.total * gate }));
}
