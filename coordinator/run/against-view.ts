import { PAIRED_CONFIDENCE, pairedLevels } from "../compare/paired.ts";
import type { Slo } from "../../shared/slo/slo.ts";
import type { Plan } from "../plan/plan.ts";
import type { ProbeView, Result } from "../show/result.ts";
import { sloView } from "./slo-view.ts";

/** The other endpoint of a run that alternated between two, and how it did; nothing where there was none. */
export function againstView(
  {
    plan,
    againstModel = "",
    slo,
  }: {
    readonly plan: Pick<Plan, "against">;
    readonly againstModel?: string | undefined;
    readonly slo: Slo;
  },
  probes: readonly ProbeView[],
): Pick<Result, "against"> {
  if (plan.against === undefined) return {};
  return {
    against: {
      url: plan.against.url,
      model: againstModel,
      confidence: PAIRED_CONFIDENCE,
      levels: pairedLevels({ probes, slo: slo.map(sloView) }),
    },
  };
}
