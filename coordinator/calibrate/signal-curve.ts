import { assert } from "../../shared/assert.ts";

/** A signal in one window. */
export interface SignalPoint {
  readonly ratePerSecond: number;
  readonly value: number;
  /** How much the window weighs: its length, s. */
  readonly weight: number;
  /** Of the value, by chance alone; 0 where it is not known. */
  readonly standardDeviation: number;
}

/** Windows whose rates lie this close together are one point: a search repeats its rates with small steps. */
const SAME_RATE_FRACTION = 0.02;
/** A fall of this part of the larger value is nothing. */
const FALL_TOLERANCE = 0.1;
/** Beyond that, a fall of so many standard deviations is none of chance. */
const FALL_SIGMAS = 3;

/** A signal against the rate: non-decreasing, straight between its points, and 0 at no load. */
export interface SignalCurve {
  readonly points: readonly SignalPoint[];
  /** Beyond the last point the value stays what it is there. */
  at(ratePerSecond: number): number;
  /** The worst fall that chance does not explain; undefined where the signal rises with the rate. */
  readonly fall: { readonly from: SignalPoint; readonly to: SignalPoint } | undefined;
}

/**
 * The curve through the windows of a run: rates that are close are pooled, and what is left of a fall is levelled by
 * the pool-adjacent-violators rule, so that the curve never falls.
 *
 * @param points at least one, in any order.
 * @see Ayer et al., "An empirical distribution function for sampling with incomplete information", 1955.
 */
export function signalCurve(points: readonly SignalPoint[]): SignalCurve {
  assert(points.length > 0, "a curve goes through at least one point");
  const pooled = poolByRate(points);
  const level = levelled(pooled);
  return { points: level, at: (rate) => valueAt(level, rate), fall: worstFall(pooled) };
}

function poolByRate(points: readonly SignalPoint[]): readonly SignalPoint[] {
  const groups: SignalPoint[][] = [];
  for (const point of [...points].sort((a, b) => a.ratePerSecond - b.ratePerSecond)) {
    const group = groups.at(-1);
    const first = group?.[0];
    if (first === undefined || point.ratePerSecond > first.ratePerSecond * (1 + SAME_RATE_FRACTION))
      groups.push([point]);
    else group?.push(point);
  }
  return groups.map(pooledPoint);
}

function pooledPoint(group: readonly SignalPoint[]): SignalPoint {
  const weight = group.reduce((sum, point) => sum + point.weight, 0);
  const mean = (of: (point: SignalPoint) => number): number =>
    group.reduce((sum, point) => sum + point.weight * of(point), 0) / weight;
  return {
    ratePerSecond: mean((point) => point.ratePerSecond),
    value: mean((point) => point.value),
    weight,
    // Of a weighted mean of independent values.
    standardDeviation:
      Math.sqrt(
        group.reduce((sum, point) => sum + (point.weight * point.standardDeviation) ** 2, 0),
      ) / weight,
  };
}

/** Neighbours that fall are given their common mean, until none does. */
function levelled(points: readonly SignalPoint[]): readonly SignalPoint[] {
  const blocks: SignalPoint[][] = [];
  for (const point of points) {
    blocks.push([point]);
    for (let last = blocks.length - 1; last > 0; last -= 1) {
      const before = blocks[last - 1] ?? [];
      const after = blocks[last] ?? [];
      if (pooledPoint(before).value <= pooledPoint(after).value) break;
      blocks.splice(last - 1, 2, [...before, ...after]);
    }
  }
  return blocks.flatMap((block) => {
    const { value } = pooledPoint(block);
    return block.map((point) => ({ ...point, value }));
  });
}

function valueAt(points: readonly SignalPoint[], ratePerSecond: number): number {
  let before = { ratePerSecond: 0, value: 0 };
  for (const point of points) {
    if (point.ratePerSecond >= ratePerSecond) {
      const part =
        (ratePerSecond - before.ratePerSecond) / (point.ratePerSecond - before.ratePerSecond);
      return before.value + part * (point.value - before.value);
    }
    before = point;
  }
  return before.value;
}

function worstFall(points: readonly SignalPoint[]): SignalCurve["fall"] {
  let worst: { from: SignalPoint; to: SignalPoint; by: number } | undefined;
  for (const [place, to] of points.entries())
    for (const from of points.slice(0, place)) {
      const by = from.value - to.value - explained(from, to);
      if (by > (worst?.by ?? 0)) worst = { from, to, by };
    }
  return worst === undefined ? undefined : { from: worst.from, to: worst.to };
}

function explained(from: SignalPoint, to: SignalPoint): number {
  const sigma = Math.hypot(from.standardDeviation, to.standardDeviation);
  return FALL_TOLERANCE * from.value + FALL_SIGMAS * sigma;
}
