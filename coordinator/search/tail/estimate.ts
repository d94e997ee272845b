import { assert } from "../../../shared/assert.ts";
import type { ClauseEstimate, FitInput } from "./clause-estimate.ts";
import { estimateByCounts } from "./counts-estimate.ts";
import { estimateInterToken } from "./inter-token-estimate.ts";
import type { ClauseModel } from "./models.ts";
import { estimateBySurface } from "./surface-estimate.ts";

/** The highest rate by all clauses at once. */
export interface Estimate {
  readonly ratePerSecond: number;
  readonly lowPerSecond: number;
  readonly highPerSecond: number;
  readonly clauses: readonly ClauseEstimate[];
  readonly binding: ClauseEstimate;
}

/** A clause whose own rate lies within this factor of the binding one's binds as well. */
const CO_BINDING = 1.05;
/** The answer when no clause is near its limit at any rate seen: just below saturation. */
const UNBOUND_PART = 0.985;

/**
 * The smallest of the clauses' own rates. Each end of the interval is the smallest of theirs: the SLO is met only
 * where every clause is.
 */
export function estimateRate(models: readonly ClauseModel[], input: FitInput): Estimate {
  const clauses = models.map((model) => estimateClause(model, input));
  const binding = clauses.reduce<ClauseEstimate | undefined>(
    (least, one) => (least === undefined || one.ratePerSecond < least.ratePerSecond ? one : least),
    undefined,
  );
  assert(binding !== undefined, "a search has a clause");
  const cap = UNBOUND_PART * input.anchor.ratePerSecond;
  const smallest = (of: (clause: ClauseEstimate) => number): number => {
    const least = Math.min(...clauses.map(of));
    return Number.isFinite(least) ? least : cap;
  };
  return {
    ratePerSecond: smallest(({ ratePerSecond }) => ratePerSecond),
    lowPerSecond: smallest(({ lowPerSecond }) => lowPerSecond),
    highPerSecond: smallest(({ highPerSecond }) => highPerSecond),
    clauses,
    binding,
  };
}

function estimateClause(model: ClauseModel, input: FitInput): ClauseEstimate {
  switch (model.kind) {
    case "surface":
      return estimateBySurface(model, input);
    case "inter-token":
      return estimateInterToken(model, input);
    case "counts":
      return estimateByCounts(model, input);
  }
}

/** The clauses besides the binding one that leave hardly more room. */
export function coBindingOf({ clauses, binding }: Estimate): readonly ClauseEstimate[] {
  if (!Number.isFinite(binding.ratePerSecond)) return [];
  return clauses.filter(
    (clause) => clause !== binding && clause.ratePerSecond <= CO_BINDING * binding.ratePerSecond,
  );
}

/** Half the interval's width as a fraction of the rate. */
export function halfWidthOf({ lowPerSecond, highPerSecond }: Estimate): number {
  return Math.log(highPerSecond / lowPerSecond) / 2;
}

/** The rate whose log-odds of being over lie `offset` above ε's, as the binding clause has it. */
export function rateAtOffset({ ratePerSecond, binding }: Estimate, offset: number): number {
  return ratePerSecond * Math.max(0.6, Math.min(1.15, 1 + offset / binding.slope));
}
