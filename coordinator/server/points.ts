/** A figure at an instant of the run's clock, ns. */
export interface Point {
  readonly atNs: number;
  readonly value: number;
}

/** The place of the first point at or after an instant; their number where there is none. Points ascend. */
export function indexFrom(points: readonly { readonly atNs: number }[], atNs: number): number {
  let low = 0;
  let high = points.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if ((points[middle]?.atNs ?? Infinity) < atNs) low = middle + 1;
    else high = middle;
  }
  return low;
}

/** Points of a stretch, its end included. */
export function pointsIn<P extends { readonly atNs: number }>(
  points: readonly P[],
  { fromNs, untilNs }: Stretch,
): readonly P[] {
  return points.slice(indexFrom(points, fromNs), indexFrom(points, untilNs + 1));
}

/** A part of the run's clock, ns. */
export interface Stretch {
  readonly fromNs: number;
  readonly untilNs: number;
}

export function mean(values: readonly number[]): number | null {
  return values.length === 0 ? null : sum(values) / values.length;
}

/** The greatest of many: a call with a day's scrapes as its arguments would overflow the stack. */
export function greatest(values: readonly number[]): number | null {
  return values.length === 0 ? null : values.reduce((a, b) => Math.max(a, b));
}

export function sum(values: readonly number[]): number {
  return values.reduce((total, value) => total + value, 0);
}
