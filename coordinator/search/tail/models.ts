import type { Clause, Slo } from "../../../shared/slo/slo.ts";
import { clauseFraction, limitIndex } from "../../../shared/slo/thresholds.ts";
import { hasTail } from "../clause-window.ts";
import type { SurfaceClause } from "./surface.ts";

/** How a clause's highest rate is estimated. */
export type ModelKind = "surface" | "inter-token" | "counts";

export interface ClauseModel extends SurfaceClause {
  readonly kind: ModelKind;
  readonly clause: Clause;
}

/** "No failure at all" cannot be shown by sampling; it is judged as one in a million. */
const ALLOWED_FRACTION_MIN = 1e-6;

/** What each clause is estimated by, in the SLO's order. @param thresholds as the agents count them. */
export function modelsOf(
  slo: Slo,
  thresholds: readonly (readonly number[])[],
): readonly ClauseModel[] {
  return slo.map((clause, index) => {
    const limit = clause.kind === "quantile" ? clause.limit : undefined;
    const table = thresholds[index] ?? [];
    return {
      kind: kindOf(clause),
      clause,
      index,
      allowedFraction: Math.max(ALLOWED_FRACTION_MIN, clauseFraction(clause)),
      thresholds: limit === undefined || table.length === 0 ? [1] : table.map((one) => one / limit),
      limitIndex: limitIndex({ metric: clause.kind === "quantile" ? clause.metric : clause.kind }),
    };
  });
}

function kindOf(clause: Clause): ModelKind {
  if (hasTail(clause)) return "surface";
  if (clause.kind !== "quantile") return "counts";
  return clause.metric === "itl" || clause.metric === "gap" ? "inter-token" : "counts";
}
