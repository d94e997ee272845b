import { assert } from "../assert.ts";
import { drawExponential } from "../random/samplers.ts";
import type { Prng } from "../random/stream.ts";
import { NS_PER_SECOND } from "../units.ts";
import type { ArrivalSchedule } from "./arrivals.ts";
import { wholeUsNs } from "./quantise.ts";

/**
 * Arrivals of independent users: a Poisson process of `ratePerSecond` requests/s.
 *
 * Gaps are exponential, drawn by inverting the distribution: gap = −ln(U) / rate. The first arrival is one gap
 * after the segment's start.
 */
export function poissonArrivals(options: {
  readonly ratePerSecond: number;
  readonly prng: Prng;
}): ArrivalSchedule {
  return new PoissonArrivals(options.ratePerSecond, options.prng);
}

class PoissonArrivals implements ArrivalSchedule {
  private readonly prng: Prng;
  private readonly meanGapNs: number;
  private atNs = 0;

  constructor(ratePerSecond: number, prng: Prng) {
    assert(ratePerSecond > 0, "ratePerSecond > 0");
    this.prng = prng;
    this.meanGapNs = NS_PER_SECOND / ratePerSecond;
  }

  nextAtNs(): number {
    this.atNs += drawExponential(this.prng) * this.meanGapNs;
    return wholeUsNs(this.atNs);
  }
}
