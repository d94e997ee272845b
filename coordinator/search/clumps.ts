/**
 * How far exceedances come in clumps.
 *
 * Requests over a limit share one busy period of the server, so they do not count as independent trials.
 * Their number behaves like a compound Poisson variable, whose variance is `factor` times its mean.
 */
export interface Clumps {
  /** φ = Σs² / Σs over the clump sizes s; 0 without exceedances, 1 when each stands alone. */
  readonly factor: number;
  readonly count: number;
  readonly exceedances: number;
}

/**
 * Runs-declustering: exceedances at most `gapS` after the one before belong to its clump.
 *
 * @param atS intended instants of the requests that exceeded, ascending, s.
 * @see Smith & Weissman 1994 (runs estimator of the extremal index).
 */
export function clumpsOf(atS: readonly number[], gapS: number): Clumps {
  let count = 0;
  let size = 0;
  let sumOfSquares = 0;
  let lastS = Number.NEGATIVE_INFINITY;
  for (const s of atS) {
    if (s - lastS > gapS) {
      sumOfSquares += size * size;
      size = 0;
      count++;
    }
    size++;
    lastS = s;
  }
  sumOfSquares += size * size;
  const exceedances = atS.length;
  return { factor: exceedances === 0 ? 0 : sumOfSquares / exceedances, count, exceedances };
}

/**
 * Index of dispersion (variance over mean) of the exceedances per bin: what slow waves add that no gap between
 * two exceedances shows. 1 for independent ones; 0 when there are too few to tell.
 *
 * @param spanS length of the window that `atS` counts from, s.
 */
export function dispersionOf(atS: readonly number[], spanS: number, bins: number): number {
  if (bins < 5 || atS.length < 4 || spanS <= 0) return 0;
  const counts = new Array<number>(bins).fill(0);
  for (const s of atS) {
    const bin = Math.max(0, Math.min(bins - 1, Math.floor((s / spanS) * bins)));
    counts[bin] = (counts[bin] ?? 0) + 1;
  }
  const mean = atS.length / bins;
  const squares = counts.reduce((sum, count) => sum + (count - mean) ** 2, 0);
  return squares / (bins - 1) / mean;
}
