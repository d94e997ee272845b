import type { Forecast } from "../forecast/forecast.ts";
import { rateAt } from "../forecast/forecast.ts";

/** The steepest rise of a forecast over the time that replicas take. */
export interface SteepestGrowth {
  readonly atS: number;
  /** The mean growth over that time, as a part of the rate at its start, 1/s. */
  readonly perSecond: number;
}

const STEP_S = 15;

/** Undefined where the load never rises. */
export function steepestGrowth(forecast: Forecast, delayS: number): SteepestGrowth | undefined {
  let steepest: SteepestGrowth | undefined;
  const from = { place: 0 };
  const to = { place: 0 };
  const overS = Math.max(1, delayS);
  for (let atS = 0; atS + overS <= forecast.durationS; atS += STEP_S) {
    const before = rateAt(forecast, atS, from);
    const perSecond = (rateAt(forecast, atS + overS, to) / before - 1) / overS;
    if (before > 0 && perSecond > (steepest?.perSecond ?? 0)) steepest = { atS, perSecond };
  }
  return steepest;
}
