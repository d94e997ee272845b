import { assert } from "../assert.ts";
import { NS_PER_SECOND } from "../units.ts";
import type { ArrivalSchedule } from "./arrivals.ts";
import { wholeUsNs } from "./quantise.ts";

/**
 * Arrivals at even gaps: arrival i is at i / rate, so the first is at the segment's start, as in wrk2 and in k6's
 * constant-arrival-rate. Each is computed from its index, never from the one before, so that no error adds up.
 */
export function constantArrivals(options: { readonly ratePerSecond: number }): ArrivalSchedule {
  return new ConstantArrivals(options.ratePerSecond);
}

class ConstantArrivals implements ArrivalSchedule {
  private readonly ratePerSecond: number;
  private index = 0;

  constructor(ratePerSecond: number) {
    assert(ratePerSecond > 0, "ratePerSecond > 0");
    this.ratePerSecond = ratePerSecond;
  }

  nextAtNs(): number {
    return wholeUsNs((this.index++ * NS_PER_SECOND) / this.ratePerSecond);
  }
}
