import { engineAdapter, newestName } from "../../server/engines.ts";
import {
  annotationsOf,
  BEHAVIOR,
  type Deployment,
  type EmittedFile,
  type FileInput,
  headOf,
  yamlFile,
} from "./emitted-file.ts";
import { matchersOf, queryOf } from "./query.ts";

/** A HorizontalPodAutoscaler v2 over an external metric. */
export function hpaFile(input: FileInput): EmittedFile {
  const { calibration, deployment } = input;
  const { namespace, workload, minReplicas, maxReplicas } = deployment;
  const name = metricName(deployment);
  const comment = [...headOf(input), `The metric comes from the rule in prometheus-adapter.yaml.`];
  return yamlFile("hpa.yaml", comment, {
    apiVersion: "autoscaling/v2",
    kind: "HorizontalPodAutoscaler",
    metadata: { name: workload, namespace, annotations: annotationsOf(input) },
    spec: {
      scaleTargetRef: { apiVersion: "apps/v1", kind: "Deployment", name: workload },
      minReplicas,
      maxReplicas,
      metrics: [
        {
          type: "External",
          external: {
            metric: { name },
            target: { type: "AverageValue", averageValue: String(calibration.target.value) },
          },
        },
      ],
      behavior: BEHAVIOR,
    },
  });
}

/** What gives the HPA its metric: a rule for the values of prometheus-adapter. */
export function adapterFile({ calibration, deployment }: FileInput): EmittedFile {
  const series = newestName(engineAdapter(deployment.engine).running) + matchersOf(deployment);
  return yamlFile(
    "prometheus-adapter.yaml",
    ["Values of prometheus-adapter: gives the HPA its metric."],
    {
      rules: {
        external: [
          {
            seriesQuery: series,
            resources: { overrides: { namespace: { resource: "namespace" } } },
            name: { as: metricName(deployment) },
            metricsQuery: queryOf(calibration.target.signal, deployment),
          },
        ],
      },
    },
  );
}

/** One a workload, so that two models in a namespace do not share one. */
function metricName({ workload }: Deployment): string {
  return `loadline_${workload.replaceAll(/[^a-z0-9]/g, "_")}_requests`;
}
