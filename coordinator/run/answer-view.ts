import type { MaxRate, SearchFindings } from "../search/procedure.ts";
import type { MaxRateView, Result } from "../show/result.ts";
import type { RunEnd } from "./run-contract.ts";

/** What the search learnt beside its answer; undefined when its method learns nothing else. */
export function findingsOf({ decision }: RunEnd): SearchFindings | undefined {
  return decision.kind === "found" || decision.kind === "inconclusive"
    ? decision.findings
    : undefined;
}

export function maxRateView(answer: MaxRate, findings: SearchFindings | undefined): MaxRateView {
  const saturation = findings?.saturation;
  return {
    requestsPerSecond: answer.ratePerSecond,
    low: answer.lowPerSecond,
    high: answer.highPerSecond ?? null,
    confidence: answer.confidence,
    method: answer.method,
    boundBy: answer.boundBy ?? null,
    limitedBy: answer.limitedBy,
    evidence: answer.evidence,
    notes: answer.notes,
    ...(saturation === undefined
      ? {}
      : { headroomFraction: 1 - answer.ratePerSecond / saturation.ratePerSecond }),
    ...(answer.coBinding === undefined ? {} : { coBinding: answer.coBinding }),
    ...(answer.clauseRates === undefined
      ? {}
      : {
          clauseRates: answer.clauseRates.map(({ clause, ratePerSecond }) => ({
            clause,
            requestsPerSecond: ratePerSecond,
          })),
        }),
  };
}

/** Saturation, knee and curve, as `result.json` holds them. */
export function findingsView(
  findings: SearchFindings | undefined,
): Pick<Result, "saturation" | "knee" | "curve"> {
  const { saturation, knee } = findings ?? {};
  const curve = findings?.curve ?? [];
  return {
    saturation:
      saturation === undefined
        ? null
        : {
            requestsPerSecond: saturation.ratePerSecond,
            relativeSd: saturation.relativeSd,
          },
    knee:
      knee === undefined
        ? null
        : {
            requestsPerSecond: knee.ratePerSecond,
            method: "kneedle",
            powerRequestsPerSecond: knee.powerRatePerSecond,
          },
    curve:
      curve.length === 0
        ? null
        : curve.map(({ clause, limitFraction, points }) => ({
            clause,
            limitFraction,
            points: points.map(({ ratePerSecond, overFraction, low, high }) => ({
              requestsPerSecond: ratePerSecond,
              overFraction,
              low,
              high,
            })),
          })),
  };
}
