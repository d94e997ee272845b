import {
  annotationsOf,
  BEHAVIOR,
  type EmittedFile,
  type FileInput,
  headOf,
  yamlFile,
} from "./emitted-file.ts";
import { queryOf } from "./query.ts";

/** Failed looks at the metric before the fallback holds. */
const FAILURES_MAX = 3;

/** A KEDA ScaledObject: the sum over all replicas divided by the target, never fewer while the metric is gone. */
export function kedaFile(input: FileInput): EmittedFile {
  const { calibration, deployment } = input;
  const { namespace, workload, minReplicas, maxReplicas, prometheusUrl } = deployment;
  return yamlFile("keda-scaledobject.yaml", headOf(input), {
    apiVersion: "keda.sh/v1alpha1",
    kind: "ScaledObject",
    metadata: { name: workload, namespace, annotations: annotationsOf(input) },
    spec: {
      scaleTargetRef: { name: workload },
      minReplicaCount: minReplicas,
      maxReplicaCount: maxReplicas,
      pollingInterval: Math.max(1, Math.round(calibration.delay.pollS)),
      fallback: {
        failureThreshold: FAILURES_MAX,
        replicas: minReplicas,
        behavior: "currentReplicasIfHigher",
      },
      advanced: { horizontalPodAutoscalerConfig: { behavior: BEHAVIOR } },
      triggers: [
        {
          type: "prometheus",
          metricType: "AverageValue",
          metadata: {
            serverAddress: prometheusUrl,
            query: queryOf(calibration.target.signal, deployment),
            threshold: String(calibration.target.value),
            ignoreNullValues: "false",
          },
        },
      ],
    },
  });
}
