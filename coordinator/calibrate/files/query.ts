import { engineAdapter, type MetricSource, newestName } from "../../server/engines.ts";
import type { SignalName } from "../measured.ts";
import type { Deployment } from "./emitted-file.ts";

/** The label matchers that pin a metric to one model of one namespace. */
export function matchersOf({ namespace, model, engine }: Deployment): string {
  const { modelLabel } = engineAdapter(engine);
  const byModel = modelLabel === undefined ? "" : `,${modelLabel}=${quoted(model)}`;
  return `{namespace=${quoted(namespace)}${byModel}}`;
}

/**
 * The PromQL of a signal over all replicas: one series, none when its metrics are gone. Requests in flight at the
 * client are running + waiting and what is on its way, so these stand for them.
 */
export function queryOf(signal: SignalName, deployment: Deployment): string {
  const metrics = engineAdapter(deployment.engine);
  const sum = (source: MetricSource): string =>
    `sum(${newestName(source)}${matchersOf(deployment)})`;
  if (signal === "waiting") return sum(metrics.waiting);
  if (signal === "running") return sum(metrics.running);
  return `${sum(metrics.running)} + ${sum(metrics.waiting)}`;
}

/** As a PromQL string. */
function quoted(text: string): string {
  return JSON.stringify(text);
}
