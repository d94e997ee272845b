import { isTimeMetric } from "../../shared/measurement/metric.ts";
import type { Clause } from "../../shared/slo/slo.ts";
import { NS_PER_MS } from "../../shared/units.ts";
import type { SloClauseView } from "../show/result.ts";

/** A clause as `result.json` has it. */
export function sloView(clause: Clause): SloClauseView {
  const className = clause.className === undefined ? {} : { className: clause.className };
  const { text } = clause;
  if (clause.kind !== "quantile")
    return {
      text,
      metric: clause.kind,
      stat: "fraction",
      operator: clause.kind === "goodput" ? ">=" : "<=",
      limit: clause.limitFraction,
      unit: "fraction",
      ...className,
    };
  const isTime = isTimeMetric(clause.metric);
  return {
    text,
    metric: clause.metric,
    stat: `p${Number((clause.quantile * 100).toFixed(6))}`,
    operator: isTime ? "<=" : ">=",
    limit: isTime ? clause.limit / NS_PER_MS : clause.limit,
    unit: isTime ? "ms" : "tokens/s",
    ...className,
  };
}
