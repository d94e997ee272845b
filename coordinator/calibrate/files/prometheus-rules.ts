import type { SloClauseView } from "../../show/result.ts";
import { engineAdapter, newestName } from "../../server/engines.ts";
import {
  type Deployment,
  type EmittedFile,
  type FileInput,
  headOf,
  yamlFile,
} from "./emitted-file.ts";
import { matchersOf, queryOf } from "./query.ts";

const MS_PER_S = 1_000;

/** Alerting rules for Prometheus: the signal is gone, the fleet is past the knee, a promise is broken. */
export function rulesFile(input: FileInput, slo: readonly SloClauseView[]): EmittedFile {
  const { calibration, deployment } = input;
  const query = queryOf(calibration.target.signal, deployment);
  const labels = { model: deployment.model, namespace: deployment.namespace };
  const alert = (
    name: string,
    options: { readonly expr: string; readonly for: string; readonly summary: string },
  ): object => ({
    alert: name,
    expr: options.expr,
    for: options.for,
    labels: { severity: "warning", ...labels },
    annotations: { summary: options.summary },
  });
  const running = newestName(engineAdapter(deployment.engine).running) + matchersOf(deployment);
  return yamlFile("prometheus-rules.yaml", headOf(input), {
    groups: [
      {
        name: `loadline-${deployment.workload}`,
        rules: [
          alert("LoadlineSignalAbsent", {
            expr: `absent(${running})`,
            for: "2m",
            summary: "The metric that the autoscaler follows is gone, so it no longer scales.",
          }),
          alert("LoadlinePastKnee", {
            expr: `(${query}) / count(${running}) > ${calibration.target.knee}`,
            for: "1m",
            summary: `More requests a replica than the ${calibration.target.knee} at which the SLO ends.`,
          }),
          ...slo.flatMap((clause) => {
            const expr = burnOf(clause, deployment);
            return expr === undefined
              ? []
              : [
                  alert("LoadlineSloBurn", {
                    expr,
                    for: "5m",
                    summary: `${clause.text} does not hold.`,
                  }),
                ];
          }),
        ],
      },
    ],
  });
}

/** Both a short and a long view are past the limit; undefined where the engine has no histogram of the metric. */
function burnOf(clause: SloClauseView, deployment: Deployment): string | undefined {
  const histogram = histogramOf(clause.metric, deployment);
  const percentile = /^p(\d+(?:\.\d+)?)$/.exec(clause.stat)?.[1];
  if (histogram === undefined || percentile === undefined || clause.className !== undefined)
    return undefined;
  const over = (window: string): string =>
    `histogram_quantile(${Number(percentile) / 100}, sum by (le) (rate(${histogram}_bucket${matchersOf(deployment)}[${window}]))) > ${clause.limit / MS_PER_S}`;
  return `${over("5m")} and ${over("1h")}`;
}

function histogramOf(metric: string, { engine }: Deployment): string | undefined {
  const { ttft, e2e } = engineAdapter(engine);
  const source = metric === "ttft" ? ttft : metric === "e2e" ? e2e : undefined;
  return source === undefined ? undefined : newestName(source);
}
