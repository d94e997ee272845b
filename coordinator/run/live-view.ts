import { NS_PER_MS } from "../../shared/units.ts";
import type { RunMerge } from "../merge/run-merge.ts";
import type { Observation } from "../search/procedure.ts";
import type { LiveView } from "../show/progress.ts";
import { allClasses } from "./metrics-view.ts";

/** What is told while a segment goes on. */
export function liveView(observation: Observation, merge: RunMerge): LiveView {
  const { request } = observation;
  const ttft = allClasses(merge.segment(observation.segment).classes).get("ttft");
  const ms = (quantile: number): number | null =>
    ttft === undefined || ttft.isEmpty ? null : ttft.quantile(quantile) / NS_PER_MS;
  return {
    elapsedS: observation.elapsedS,
    purpose: request.purpose,
    requestsPerSecond: request.mode.kind === "open" ? request.mode.ratePerSecond : null,
    ttftP50Ms: ms(0.5),
    ttftP99Ms: ms(0.99),
    inFlight: observation.seconds.at(-1)?.inFlightEnd ?? 0,
  };
}
