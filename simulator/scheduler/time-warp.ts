import { assert } from "../../shared/assert.ts";

/**
 * Work time against real time: how much an undisturbed server would have done by then, both in ns. Time faults
 * (stalls, slow starts, drifts) are such maps, so that they hold for every kind of scheduler alike and nothing
 * in a scheduler knows of them. Monotonic; identity before the fault begins.
 */
export interface TimeWarp {
  workAtNs(realNs: number): number;
  /**
   * When an amount of work is done. Where work stands still for a while the end of that while is taken: what
   * arrives during a stall starts after it.
   */
  realAtNs(workNs: number): number;
}

/** Everything stops from `atNs` for `durationNs`; again every `everyNs` if given (longer than the stop itself). */
export function stallWarp(stall: {
  readonly atNs: number;
  readonly durationNs: number;
  readonly everyNs: number | undefined;
}): TimeWarp {
  const { atNs, durationNs } = stall;
  const everyNs = stall.everyNs ?? Infinity;
  assert(everyNs > durationNs, "a stall is shorter than its period");
  const workPerPeriodNs = everyNs - durationNs;
  return {
    workAtNs(realNs) {
      const sinceNs = realNs - atNs;
      if (sinceNs <= 0) return realNs;
      const periods = everyNs === Infinity ? 0 : Math.floor(sinceNs / everyNs);
      const intoPeriodNs = periods === 0 ? sinceNs : sinceNs - periods * everyNs;
      const workBeforeNs = periods === 0 ? 0 : periods * workPerPeriodNs;
      return atNs + workBeforeNs + Math.max(0, intoPeriodNs - durationNs);
    },
    realAtNs(workNs) {
      const sinceNs = workNs - atNs;
      if (sinceNs < 0) return workNs;
      const stalls = everyNs === Infinity ? 1 : 1 + Math.floor(sinceNs / workPerPeriodNs);
      return workNs + stalls * durationNs;
    },
  };
}

/**
 * Every piece of work takes `factor` times as long at first, and 1 + (factor − 1) e^{−t/decay} times after t:
 * work = ∫ dt / (1 + A e^{−t/τ}) = t + τ ln((1 + A e^{−t/τ}) / (1 + A)), with A = factor − 1.
 */
export function slowStartWarp(slow: {
  readonly atNs: number;
  readonly factor: number;
  readonly decayNs: number;
}): TimeWarp {
  const { atNs, factor, decayNs } = slow;
  const excess = factor - 1;
  return {
    workAtNs(realNs) {
      const sinceNs = realNs - atNs;
      if (sinceNs <= 0) return realNs;
      return realNs + decayNs * Math.log((1 + excess * Math.exp(-sinceNs / decayNs)) / factor);
    },
    realAtNs(workNs) {
      const sinceNs = workNs - atNs;
      if (sinceNs <= 0) return workNs;
      return workNs + decayNs * Math.log(factor - excess * Math.exp(-sinceNs / decayNs));
    },
  };
}

/** Work takes 1 + (factor − 1) · t / over times as long after t, and `factor` times from `over` on: capacity drifts. */
export function driftWarp(drift: {
  readonly atNs: number;
  readonly factor: number;
  readonly overNs: number;
}): TimeWarp {
  const { atNs, factor, overNs } = drift;
  const slope = (factor - 1) / overNs;
  // ∫ dt / (1 + slope t); for a factor of 1 there is nothing to divide by.
  const workInDriftNs = slope === 0 ? overNs : Math.log(factor) / slope;
  return {
    workAtNs(realNs) {
      const sinceNs = realNs - atNs;
      if (sinceNs <= 0 || slope === 0) return realNs;
      if (sinceNs >= overNs) return atNs + workInDriftNs + (sinceNs - overNs) / factor;
      return atNs + Math.log1p(slope * sinceNs) / slope;
    },
    realAtNs(workNs) {
      const sinceNs = workNs - atNs;
      if (sinceNs <= 0 || slope === 0) return workNs;
      if (sinceNs >= workInDriftNs) return atNs + overNs + (sinceNs - workInDriftNs) * factor;
      return atNs + Math.expm1(slope * sinceNs) / slope;
    },
  };
}

/** A plain shift: what is left of faults that are over. */
export function shiftWarp(behindNs: number): TimeWarp {
  return {
    workAtNs: (realNs) => realNs - behindNs,
    realAtNs: (workNs) => workNs + behindNs,
  };
}
