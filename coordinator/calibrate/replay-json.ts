import type { Replay } from "./replay.ts";

/** Schema "loadline/replay@1": each rule's outcome, and its minutes. */
export function replayJson(replay: Replay): object {
  const { calibration, simulations, steepest } = replay;
  return {
    schema: "loadline/replay@1",
    durationS: replay.forecast.durationS,
    sustainedPerSecond: round(calibration.measured.sustainedPerSecond),
    plannedPerSecond: round(calibration.plannedPerSecond),
    leastReplicaHours: round(replay.leastReplicaHours),
    steepestGrowth:
      steepest === undefined ? null : { atS: steepest.atS, perSecond: round(steepest.perSecond) },
    rules: simulations.map((simulation) => ({
      ...simulation.rule,
      meetsSlo: simulation.meetsSlo,
      clauses: simulation.clauses.map((clause) => ({
        ...clause,
        overFraction: round(clause.overFraction),
      })),
      minutesWithinFraction: round(simulation.minutesWithinFraction),
      replicaHours: round(simulation.replicaHours),
      replicasMax: simulation.replicasMax,
      flapCount: simulation.flapCount,
      minutes: simulation.minutes.map((minute) => ({
        ...minute,
        ratePerSecond: round(minute.ratePerSecond),
        overFraction: round(minute.overFraction),
      })),
    })),
    notes: replay.notes,
  };
}

function round(value: number): number {
  return Math.round(value * 1e6) / 1e6;
}
