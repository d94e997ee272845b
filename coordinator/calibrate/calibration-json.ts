import type { Calibration } from "./calibration.ts";
import { curveOf } from "./candidates.ts";
import type { ValidityLimits } from "./files/emitted-file.ts";

/** `calibration.json`, schema "loadline/calibration@1": the decision, its inputs, its reasons, and what it holds for. */
export function calibrationJson(calibration: Calibration, limits: ValidityLimits): object {
  const { measured, target, proxyTarget, delay, candidates, notes } = calibration;
  return {
    schema: "loadline/calibration@1",
    limits,
    replicas: measured.replicas,
    sustainedPerSecond: round(measured.sustainedPerSecond),
    failedPerSecond:
      measured.failedPerSecond === undefined ? null : round(measured.failedPerSecond),
    saturationPerSecond: round(measured.saturationPerSecond),
    delay: { ...delay, sumS: calibration.delayS },
    growthPerSecond: calibration.growthPerSecond,
    headroomFraction: round(calibration.headroomFraction),
    plannedPerSecond: round(calibration.plannedPerSecond),
    target,
    proxyTarget,
    candidates: candidates.map((candidate) => ({
      signal: candidate.signal,
      isKept: candidate.isKept,
      reason: candidate.reason,
      atPlanned: optional(candidate.atPlanned),
      atEased: optional(candidate.atEased),
      atSustained: optional(candidate.atSustained),
      atFailed: optional(candidate.atFailed),
    })),
    curve: (curveOf(measured, target.signal)?.points ?? []).map(({ ratePerSecond, value }) => ({
      requestsPerSecond: round(ratePerSecond),
      value: round(value),
    })),
    notes,
  };
}

function optional(value: number | null): number | null {
  return value === null ? null : round(value);
}

/** Six digits after the point, as in result.json. */
function round(value: number): number {
  return Math.round(value * 1e6) / 1e6;
}
