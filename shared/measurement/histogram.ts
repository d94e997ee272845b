import { Float64Histogram } from "hdr-histogram-js";
import { assert } from "../assert.ts";
import type { HistogramGeometry } from "../control/control.ts";

/** The one geometry of every histogram: 1 tick to 1 h of µs ticks, each bucket within 0.1 % of its values. */
export const GEOMETRY: HistogramGeometry = {
  significantDigits: 3,
  lowestTicks: 1,
  highestTicks: 3_600_000_000,
};

/**
 * Only its index arithmetic is used; nothing is ever recorded into it.
 *
 * Why not one of these for each histogram: it keeps all 23,552 counters (188 KB), and `add` and `decode` walk them
 * all. An agent keeps hundreds of histograms, and an interval's delta touches a few dozen buckets, so ours keeps
 * pages of counters instead, made when touched.
 */
const BUCKETS = new Float64Histogram(
  GEOMETRY.lowestTicks,
  GEOMETRY.highestTicks,
  GEOMETRY.significantDigits,
);

/** How many buckets the geometry has; every index is below it. */
export const BUCKET_COUNT = BUCKETS.countsArrayLength;

/** Counters a page holds; a power of two. 32 keeps both the page and the directory of pages small. */
const PAGE_SIZE = 32;

/** `lowest` and `highest` are the least and greatest values that fall in the bucket, in the metric's unit. */
export interface Bucket {
  readonly lowest: number;
  readonly highest: number;
  readonly count: number;
}

/** What a histogram knows exactly, beside its buckets; `min`, `max`, `sum` in the metric's unit. */
export interface ExactParts {
  readonly min: number;
  readonly max: number;
  readonly sum: number;
  /** Values above the highest bucket; they count in everything but the buckets. */
  readonly overflow: number;
}

/**
 * A mergeable distribution of non-negative values: HdrHistogram's buckets, kept sparsely, with exact count,
 * min, max and sum beside them. Values are in the metric's unit and are rounded to the nearest tick.
 *
 * A value above `GEOMETRY.highestTicks` is counted in `overflow`, `count`, `max` and `sum`, and ranks above every
 * bucket. Counts are 64-bit floats: exact up to 2^53, they never wrap.
 *
 * Statistics of an empty histogram are NaN. Merging is associative and commutative; `sum` is so up to the
 * rounding of floats (exact while it is an integer below 2^53: 104 days of ns).
 */
export class Histogram {
  readonly unitsPerTick: number;
  // Plain private fields, not #private: so that deepEqual compares them in tests.
  private pages: (number[] | undefined)[] = [];
  private bucketed = 0;
  private exactMin = Infinity;
  private exactMax = -Infinity;
  private exactSum = 0;
  private above = 0;

  /** @param unitsPerTick how much of the metric's unit one tick stands for (metric.ts); positive. */
  constructor(unitsPerTick: number) {
    assert(unitsPerTick > 0 && Number.isFinite(unitsPerTick), "unitsPerTick is positive");
    this.unitsPerTick = unitsPerTick;
  }

  get count(): number {
    return this.bucketed + this.above;
  }

  get isEmpty(): boolean {
    return this.count === 0;
  }

  get min(): number {
    return this.isEmpty ? NaN : this.exactMin;
  }

  get max(): number {
    return this.isEmpty ? NaN : this.exactMax;
  }

  get sum(): number {
    return this.exactSum;
  }

  get overflow(): number {
    return this.above;
  }

  get mean(): number {
    return this.exactSum / this.count;
  }

  /**
   * Of the population, about the exact mean, with each value at the middle of its bucket (so within 0.1 %, plus half
   * a tick); overflowed values stand at the maximum.
   */
  get standardDeviation(): number {
    const mean = this.mean;
    let squares = this.above === 0 ? 0 : this.above * (this.exactMax - mean) ** 2;
    this.forEachCount((index, count) => {
      const lowest = BUCKETS.valueFromIndex(index);
      const middle = ((lowest + highestOfBucket(lowest)) / 2) * this.unitsPerTick;
      squares += count * (middle - mean) ** 2;
    });
    return Math.sqrt(squares / this.count);
  }

  /** @param value in the metric's unit, at least 0. @param count how often; a positive integer. */
  record(value: number, count = 1): void {
    assert(value >= 0 && value < Infinity, "a recorded value is a number, finite and at least 0");
    const ticks = Math.round(value / this.unitsPerTick);
    if (ticks > GEOMETRY.highestTicks) this.above += count;
    else this.addCountAt(indexOfTicks(ticks), count);
    this.exactSum += value * count;
    if (value < this.exactMin) this.exactMin = value;
    if (value > this.exactMax) this.exactMax = value;
  }

  /**
   * The value that the fraction `q` of all values are at or below: the highest value of the bucket that holds rank
   * ⌈q·count⌉ (HdrHistogram's definition), kept within the exact min and max; the max where that rank overflowed.
   *
   * @param q 0 to 1.
   */
  quantile(q: number): number {
    return this.valueAtRank(rankOfQuantile(q, this.count));
  }

  /** As `quantile`, of a rank in ascending order: 1 is the smallest value, `count` the largest. */
  valueAtRank(rank: number): number {
    if (this.isEmpty) return NaN;
    if (rank > this.bucketed) return this.exactMax;
    const ticks = highestOfBucket(BUCKETS.valueFromIndex(this.indexOfRank(rank)));
    return Math.min(this.exactMax, Math.max(this.exactMin, ticks * this.unitsPerTick));
  }

  /**
   * How many values lie in buckets wholly above that of `value`: off by at most the values within 0.1 % of it. Among
   * overflowed values no more is known than their maximum: below that, all of them count.
   */
  countAbove(value: number): number {
    const ticks = Math.round(value / this.unitsPerTick);
    if (ticks > GEOMETRY.highestTicks) return value < this.exactMax ? this.above : 0;
    const limit = BUCKETS.countsArrayIndex(ticks);
    let above = this.above;
    this.forEachCount((index, count) => {
      if (index > limit) above += count;
    });
    return above;
  }

  /** Takes time by the touched pages of `other`, not by the geometry. */
  add(other: Histogram): void {
    assert(other.unitsPerTick === this.unitsPerTick, "added histograms measure in the same ticks");
    for (let pageIndex = 0; pageIndex < other.pages.length; pageIndex += 1) {
      const source = other.pages[pageIndex];
      if (source !== undefined) this.addPage(pageIndex, source);
    }
    this.bucketed += other.bucketed;
    this.addExact(other.exactParts());
  }

  reset(): void {
    this.pages = [];
    this.bucketed = 0;
    this.exactMin = Infinity;
    this.exactMax = -Infinity;
    this.exactSum = 0;
    this.above = 0;
  }

  /** The non-empty buckets, ascending; overflowed values are in none of them. */
  buckets(): readonly Bucket[] {
    const buckets: Bucket[] = [];
    this.forEachCount((index, count) => {
      const lowest = BUCKETS.valueFromIndex(index);
      const highest = highestOfBucket(lowest) * this.unitsPerTick;
      buckets.push({ lowest: lowest * this.unitsPerTick, highest, count });
    });
    return buckets;
  }

  /** For codecs: every non-zero counter, by ascending index. */
  forEachCount(visit: (index: number, count: number) => void): void {
    for (const [pageIndex, page] of this.pages.entries()) {
      if (page === undefined) continue;
      for (let slot = 0; slot < PAGE_SIZE; slot += 1) {
        const count = page[slot] ?? 0;
        if (count > 0) visit(pageIndex * PAGE_SIZE + slot, count);
      }
    }
  }

  /** For codecs: adds to one counter; the exact parts must be added beside it. */
  addCountAt(index: number, count: number): void {
    assert(index >= 0 && index < BUCKET_COUNT, "a bucket's index lies within the geometry");
    assert(count > 0, "a count that is added is positive");
    const page = this.pageAt(Math.floor(index / PAGE_SIZE));
    const slot = index % PAGE_SIZE;
    page[slot] = (page[slot] ?? 0) + count;
    this.bucketed += count;
  }

  /** For codecs: min and max are Infinity and -Infinity when empty. */
  exactParts(): ExactParts {
    return { min: this.exactMin, max: this.exactMax, sum: this.exactSum, overflow: this.above };
  }

  /** For codecs: what belongs to the counts that were added. */
  addExact(parts: ExactParts): void {
    this.above += parts.overflow;
    this.exactSum += parts.sum;
    this.exactMin = Math.min(this.exactMin, parts.min);
    this.exactMax = Math.max(this.exactMax, parts.max);
  }

  private pageAt(pageIndex: number): number[] {
    const page = this.pages[pageIndex];
    if (page !== undefined) return page;
    const fresh = new Array<number>(PAGE_SIZE).fill(0);
    this.pages[pageIndex] = fresh;
    return fresh;
  }

  private addPage(pageIndex: number, source: readonly number[]): void {
    const page = this.pages[pageIndex];
    if (page === undefined) {
      this.pages[pageIndex] = source.slice();
      return;
    }
    for (let slot = 0; slot < PAGE_SIZE; slot += 1) {
      page[slot] = (page[slot] ?? 0) + (source[slot] ?? 0);
    }
  }

  private indexOfRank(rank: number): number {
    let passed = 0;
    let found = -1;
    this.forEachCount((index, count) => {
      passed += count;
      if (found === -1 && passed >= rank) found = index;
    });
    assert(found >= 0, "a rank up to the bucketed count lies in a bucket");
    return found;
  }
}

/** ⌈q·count⌉, at least 1; a product that floats put a hair above an integer is taken as that integer. */
export function rankOfQuantile(q: number, count: number): number {
  assert(q >= 0 && q <= 1, "a quantile is a fraction from 0 to 1");
  return Math.max(1, Math.ceil(q * count * (1 - Number.EPSILON)));
}

function highestOfBucket(lowestTicks: number): number {
  return BUCKETS.highestEquivalentValue(lowestTicks);
}

/** For codecs: the bucket that holds `value` ticks, or BUCKET_COUNT where it would overflow. */
export function bucketIndexOf(ticks: number): number {
  return ticks > GEOMETRY.highestTicks ? BUCKET_COUNT : indexOfTicks(ticks);
}

/**
 * `BUCKETS.countsArrayIndex`, for whole ticks up to `highestTicks`, which is below 2^32: the library takes logarithms
 * of any double. Hot: once per token. Buckets below 2,048 ticks are 1 tick wide; from there on each power of two is
 * cut in 1,024.
 */
function indexOfTicks(ticks: number): number {
  const octave = 21 - Math.clz32(ticks | 2_047);
  return (octave << 10) + (ticks >>> octave);
}
