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

/** The whole fleet's arrivals from their first, without end. Its rates must be possible (see arrivalsProblems). */
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

/** What is wrong with a process, one sentence each; empty when nothing is. */
export function arrivalsProblems(arrivals: Arrivals): string[] {
  const problems: string[] = [];
  const positive = (value: number, name: string): void => {
    if (!(value > 0 && value < Infinity)) {
      problems.push(`${name} must be a number above 0, not ${value}`);
    }
  };
  if (arrivals.kind === "ramp") {
    for (const rate of [arrivals.fromRatePerSecond, arrivals.toRatePerSecond]) {
      if (!(rate >= 0 && rate < Infinity)) {
        problems.push(`a ramp's rate must be a number of at least 0 requests/s, not ${rate}`);
      }
    }
    positive(peakRatePerSecond(arrivals), "the higher rate of a ramp");
    positive(arrivals.durationNs, "the duration of a ramp");
    return problems;
  }
  positive(arrivals.ratePerSecond, "the rate in requests/s");
  if (arrivals.kind === "gamma") {
    positive(arrivals.coefficientOfVariation, "the coefficient of variation");
  }
  return problems;
}
