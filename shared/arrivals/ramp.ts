import { assert } from "../assert.ts";
import { drawExponential } from "../random/samplers.ts";
import type { Prng } from "../random/stream.ts";
import { NS_PER_SECOND } from "../units.ts";
import type { ArrivalSchedule, Arrivals } from "./arrivals.ts";
import { wholeUsNs } from "./quantise.ts";

/**
 * A Poisson process whose rate moves linearly from `from` to `to` over a duration D, and then stays.
 *
 * By time-rescaling: with Λ(t) = from · t + (to − from) · t² / (2 D) the arrivals expected until t, the arrivals of
 * a Poisson process of rate 1, at s₁ < s₂ < …, are put at Λ⁻¹(sᵢ). With slope k = (to − from) / D,
 *
 *     Λ⁻¹(s) = 2 s / (from + √(from² + 2 k s))        while s ≤ Λ(D), else D + (s − Λ(D)) / to,
 *
 * the root of the quadratic in the form that loses no digits where k is small. A ramp down to 0 has no arrival
 * after D: its next one is at infinity.
 *
 * @see Brown et al., "The time-rescaling theorem and its application to neural spike train data analysis",
 *   Neural Computation 14 (2002).
 */
export function rampArrivals(options: {
  readonly ramp: Extract<Arrivals, { kind: "ramp" }>;
  readonly prng: Prng;
}): ArrivalSchedule {
  return new RampArrivals(options.ramp, options.prng);
}

class RampArrivals implements ArrivalSchedule {
  private readonly prng: Prng;
  private readonly from: number;
  private readonly to: number;
  private readonly durationS: number;
  private readonly slope: number;
  private readonly expectedInRamp: number;
  /** The unit-rate process: arrivals expected until the last one. */
  private expected = 0;

  constructor(ramp: Extract<Arrivals, { kind: "ramp" }>, prng: Prng) {
    const { fromRatePerSecond: from, toRatePerSecond: to, durationNs } = ramp;
    assert(from >= 0 && to >= 0 && from + to > 0, "a ramp's rates >= 0, one of them > 0");
    assert(durationNs > 0, "durationNs > 0");
    this.prng = prng;
    this.from = from;
    this.to = to;
    this.durationS = durationNs / NS_PER_SECOND;
    this.slope = (to - from) / this.durationS;
    this.expectedInRamp = ((from + to) / 2) * this.durationS;
  }

  nextAtNs(): number {
    this.expected += drawExponential(this.prng);
    return wholeUsNs(this.instantS(this.expected) * NS_PER_SECOND);
  }

  private instantS(expected: number): number {
    if (expected > this.expectedInRamp) {
      return this.durationS + (expected - this.expectedInRamp) / this.to;
    }
    // A draw of exactly 0 on a ramp from 0 would be 0 / 0; rounding may put a ramp to 0 a hair below the root.
    if (expected === 0) return 0;
    const square = Math.max(0, this.from * this.from + 2 * this.slope * expected);
    return (2 * expected) / (this.from + Math.sqrt(square));
  }
}
