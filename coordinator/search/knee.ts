/** A measured point of a curve. */
export interface CurvePoint {
  readonly x: number;
  readonly y: number;
}

/** With fewer there is no shape to speak of. */
const POINTS_MIN = 5;

/**
 * Where a curve turns, by Kneedle: both axes are scaled to 0 … 1, and the knee is where the curve lies furthest from
 * the diagonal; it counts only if the distance falls again by `sensitivity` mean steps of x, as it does not on a
 * straight line. Of several knees the one furthest from the diagonal.
 *
 * The points are taken as they are: there are too few windows in a run to be smoothed.
 *
 * @param options.shape "convex" for latency by load (the knee is below the diagonal), "concave" for throughput.
 * @returns the knee's x; undefined without one, or with fewer than 5 points.
 * @see Satopää, Albrecht, Irwin, Raghavan 2011, "Finding a 'Kneedle' in a Haystack".
 */
export function kneedle(
  points: readonly CurvePoint[],
  options: { readonly shape: "convex" | "concave"; readonly sensitivity?: number },
): number | undefined {
  const { shape, sensitivity = 1 } = options;
  const sorted = [...points].sort((a, b) => a.x - b.x);
  if (sorted.length < POINTS_MIN) return undefined;
  const scaledX = scaled(sorted.map(({ x }) => x));
  const scaledY = scaled(sorted.map(({ y }) => y));
  if (scaledX === undefined || scaledY === undefined) return undefined;
  const sign = shape === "convex" ? 1 : -1;
  const distances = scaledX.map((x, i) => sign * (x - (scaledY[i] ?? 0)));
  const place = highestKnee(distances, sensitivity / (sorted.length - 1));
  return place === undefined ? undefined : sorted[place]?.x;
}

/** Of the peaks that the distance falls from by `drop`, the place of the highest. */
function highestKnee(distances: readonly number[], drop: number): number | undefined {
  let highest: number | undefined;
  for (const [place, distance] of distances.entries()) {
    if (!isPeak(distances, place) || !fallsBelow(distances, place, distance - drop)) continue;
    if (highest === undefined || distance > (distances[highest] ?? 0)) highest = place;
  }
  return highest;
}

/** 0 for the least, 1 for the greatest; undefined when all are one. */
function scaled(values: readonly number[]): readonly number[] | undefined {
  const low = Math.min(...values);
  const high = Math.max(...values);
  return high > low ? values.map((value) => (value - low) / (high - low)) : undefined;
}

function isPeak(values: readonly number[], i: number): boolean {
  const [before, at, after] = [values[i - 1], values[i], values[i + 1]];
  return (
    at !== undefined && before !== undefined && after !== undefined && at > before && at >= after
  );
}

/** Before it rises above its peak at `from` again. */
function fallsBelow(values: readonly number[], from: number, threshold: number): boolean {
  const peak = values[from] ?? 0;
  for (const value of values.slice(from + 1)) {
    if (value < threshold) return true;
    if (value > peak) return false;
  }
  return false;
}

/** The point where x over y, throughput over response time, is highest (Kleinrock 1979, "power"). */
export function mostPower(points: readonly CurvePoint[]): number | undefined {
  const powers = points.filter(({ y }) => y > 0).map(({ x, y }) => ({ x, power: x / y }));
  const best = powers.reduce<(typeof powers)[number] | undefined>(
    (most, each) => (most === undefined || each.power > most.power ? each : most),
    undefined,
  );
  return best?.x;
}
