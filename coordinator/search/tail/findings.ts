import type { CurvePoint, MaxRate, SearchFindings } from "../procedure.ts";
import type { ClauseEstimate } from "./clause-estimate.ts";
import type { Estimate } from "./estimate.ts";
import { kneeOf } from "./knee.ts";
import type { Move } from "./move.ts";

const POINTS = 40;
const FROM_PART = 0.3;
const TO_SATURATION_PART = 0.995;
const TO_ANSWER_PART = 1.25;

/** Saturation, knee and the fitted curve, as far as they are known. */
export function findingsOf(
  { state }: Move,
  answered: { readonly estimate: Estimate; readonly answer: MaxRate } | undefined,
): SearchFindings {
  const { anchor } = state;
  const isMeasured = anchor !== null && !anchor.isAtLeast;
  return {
    saturation: isMeasured
      ? { ratePerSecond: anchor.ratePerSecond, relativeSd: anchor.relativeSd }
      : undefined,
    knee: isMeasured ? kneeOf(state.blocks, anchor) : undefined,
    curve:
      answered === undefined
        ? []
        : answered.estimate.clauses
            .filter(({ ratePerSecond }) => Number.isFinite(ratePerSecond))
            .map((clause) => ({
              clause: clause.model.clause.text,
              limitFraction: clause.model.allowedFraction,
              points: pointsOf(clause, {
                fromPerSecond: FROM_PART * answered.answer.ratePerSecond,
                toPerSecond: Math.min(
                  isMeasured ? TO_SATURATION_PART * anchor.ratePerSecond : Infinity,
                  TO_ANSWER_PART * answered.answer.ratePerSecond,
                ),
              }),
            })),
  };
}

/** The clause's interval moves its curve along the rate: that is how its bounds at each rate follow. */
function pointsOf(
  { ratePerSecond, lowPerSecond, highPerSecond, overAt }: ClauseEstimate,
  { fromPerSecond, toPerSecond }: { readonly fromPerSecond: number; readonly toPerSecond: number },
): readonly CurvePoint[] {
  return Array.from({ length: POINTS }, (_, i) => {
    const rate = fromPerSecond + ((toPerSecond - fromPerSecond) * i) / (POINTS - 1);
    return {
      ratePerSecond: rate,
      overFraction: overAt(rate),
      low: overAt((rate * ratePerSecond) / highPerSecond),
      high: overAt((rate * ratePerSecond) / lowPerSecond),
    };
  });
}
