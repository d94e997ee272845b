import { randomStream } from "../random/stream.ts";
import type { ArrivalSchedule, Arrivals } from "./arrivals.ts";
import { constantArrivals } from "./constant.ts";
import { gammaArrivals } from "./gamma.ts";
import { poissonArrivals } from "./poisson.ts";
import { rampArrivals } from "./ramp.ts";

/** Whose arrivals: the same key gives the same instants, on every machine. */
export interface ScheduleKey {
  readonly seed: number;
  /** The segment's number. */
  readonly segment: number;
}

/** The whole fleet's arrivals from their first, without end. Its rates must be possible (see problems.ts). */
export function openSchedule(arrivals: Arrivals, key: ScheduleKey): ArrivalSchedule {
  const prng = randomStream({ seed: key.seed, segment: key.segment, purpose: "arrivals" });
  switch (arrivals.kind) {
    case "constant":
      return constantArrivals(arrivals);
    case "poisson":
      return poissonArrivals({ ratePerSecond: arrivals.ratePerSecond, prng });
    case "gamma": {
      const { ratePerSecond, coefficientOfVariation } = arrivals;
      return gammaArrivals({ ratePerSecond, coefficientOfVariation, prng });
    }
    case "ramp":
      return rampArrivals({ ramp: arrivals, prng });
  }
}

/** Requests/s over the long run; of a ramp, over its duration. */
export function meanRatePerSecond(arrivals: Arrivals): number {
  if (arrivals.kind !== "ramp") return arrivals.ratePerSecond;
  return (arrivals.fromRatePerSecond + arrivals.toRatePerSecond) / 2;
}

/** The highest rate the process is ever meant to have, requests/s; bursts of chance go above it. */
export function peakRatePerSecond(arrivals: Arrivals): number {
  if (arrivals.kind !== "ramp") return arrivals.ratePerSecond;
  return Math.max(arrivals.fromRatePerSecond, arrivals.toRatePerSecond);
}
