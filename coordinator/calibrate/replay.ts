import type { Result } from "../show/result.ts";
import type { Calibration } from "./calibration.ts";
import { BEHAVIOR } from "./files/emitted-file.ts";
import type { Forecast } from "../forecast/forecast.ts";
import { rateAt } from "../forecast/forecast.ts";
import { type SteepestGrowth, steepestGrowth } from "./growth.ts";
import { serviceModelOf, type SimulatedSignal } from "./service-model.ts";
import { leastReplicaHours, type ScalingRule, simulate, type Simulation } from "./simulation.ts";

export interface ReplayOptions {
  readonly forecast: Forecast;
  /** To be compared with the calibrated number, which comes first. */
  readonly rules: readonly ScalingRule[];
  readonly minReplicas: number;
  readonly maxReplicas: number;
  readonly seed: number;
}

/** A forecast under several rules; everything but signal and number is the same for all. */
export interface Replay {
  readonly calibration: Calibration;
  readonly forecast: Forecast;
  readonly simulations: readonly Simulation[];
  readonly leastReplicaHours: number;
  readonly steepest: SteepestGrowth | undefined;
  /** Clauses that are not replayed, and what else to know. */
  readonly notes: readonly string[];
}

/** A rule whose signal the run did not measure. */
export interface UnmeasuredRule {
  readonly unmeasured: SimulatedSignal;
}

export function replay(
  result: Result,
  calibration: Calibration,
  options: ReplayOptions,
): Replay | UnmeasuredRule {
  const { forecast, minReplicas, maxReplicas, seed } = options;
  const { measured, target, plannedPerSecond, delay, delayS } = calibration;
  const model = serviceModelOf(result, measured);
  const calibrated: ScalingRule = { signal: target.signal, target: target.value };
  const rules = [calibrated, ...options.rules];
  const unmeasured = rules.find(({ signal }) => model.signal(signal) === undefined);
  if (unmeasured !== undefined) return { unmeasured: unmeasured.signal };
  const first = Math.ceil(rateAt(forecast, 0, { place: 0 }) / plannedPerSecond);
  const input = {
    model,
    forecast,
    delay,
    autoscaler: { minReplicas, maxReplicas, ...BEHAVIOR },
    replicasAtStart: Math.min(maxReplicas, Math.max(minReplicas, first)),
    seed,
  };
  return {
    calibration,
    forecast,
    simulations: rules.map((rule) => simulate(rule, input)),
    leastReplicaHours: leastReplicaHours(forecast, measured.sustainedPerSecond),
    steepest: steepestGrowth(forecast, delayS),
    notes: notesOf(calibration, { forecast, maxReplicas, leftOut: model.leftOut }),
  };
}

function notesOf(
  { notes, plannedPerSecond }: Calibration,
  options: {
    readonly forecast: Forecast;
    readonly maxReplicas: number;
    readonly leftOut: readonly string[];
  },
): readonly string[] {
  const most = options.forecast.steps.reduce(
    (max, step) => Math.max(max, step.requestsPerSecond),
    0,
  );
  const needed = Math.ceil(most / plannedPerSecond);
  return [
    ...notes,
    ...options.leftOut.map((text) => `"${text}" is not replayed: only clauses on a percentile are`),
    ...(needed > options.maxReplicas
      ? [`the peak asks for ${needed} replicas, and --max-replicas is ${options.maxReplicas}`]
      : []),
  ];
}
