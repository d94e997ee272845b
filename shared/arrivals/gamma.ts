import { assert } from "../assert.ts";
import { drawGamma } from "../random/samplers.ts";
import type { Prng } from "../random/stream.ts";
import { NS_PER_SECOND } from "../units.ts";
import type { ArrivalSchedule } from "./arrivals.ts";
import { wholeUsNs } from "./quantise.ts";

/**
 * Arrivals with gamma-distributed gaps: burstier than Poisson above a coefficient of variation of 1, smoother
 * below, Poisson at 1.
 *
 * gap = gamma(shape = 1 / cv²) · cv² / rate, whose mean is 1 / rate and whose standard deviation is cv / rate.
 * The first arrival is one gap after the segment's start (an ordinary renewal process): within the first few gaps
 * the rate is not yet the mean rate, which is one reason for a window to settle before it records.
 */
export function gammaArrivals(options: {
  readonly ratePerSecond: number;
  readonly coefficientOfVariation: number;
  readonly prng: Prng;
}): ArrivalSchedule {
  return new GammaArrivals(options);
}

class GammaArrivals implements ArrivalSchedule {
  private readonly prng: Prng;
  private readonly shape: number;
  private readonly scaleNs: number;
  private atNs = 0;

  constructor(options: { ratePerSecond: number; coefficientOfVariation: number; prng: Prng }) {
    assert(options.ratePerSecond > 0, "ratePerSecond > 0");
    assert(options.coefficientOfVariation > 0, "coefficientOfVariation > 0");
    const variance = options.coefficientOfVariation ** 2;
    this.prng = options.prng;
    this.shape = 1 / variance;
    this.scaleNs = (variance * NS_PER_SECOND) / options.ratePerSecond;
  }

  nextAtNs(): number {
    this.atNs += drawGamma(this.prng, this.shape) * this.scaleNs;
    return wholeUsNs(this.atNs);
  }
}
