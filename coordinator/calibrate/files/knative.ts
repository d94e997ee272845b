import {
  annotationsOf,
  type EmittedFile,
  type FileInput,
  headOf,
  yamlFile,
} from "./emitted-file.ts";

/**
 * A Knative Service: no more than the knee at once in one container, and the planned part of it as the target. Knative's
 * queue proxy counts the requests in flight.
 */
export function knativeFile(input: FileInput): EmittedFile {
  const { calibration, deployment } = input;
  const { proxyTarget } = calibration;
  const { namespace, workload, minReplicas, maxReplicas } = deployment;
  return yamlFile(
    "knative-service.yaml",
    [...headOf(input), "Put the annotations and containerConcurrency into your own Service."],
    {
      apiVersion: "serving.knative.dev/v1",
      kind: "Service",
      metadata: { name: workload, namespace, annotations: annotationsOf(input) },
      spec: {
        template: {
          metadata: {
            annotations: {
              "autoscaling.knative.dev/metric": "concurrency",
              "autoscaling.knative.dev/target-utilization-percentage": String(
                Math.floor((100 * proxyTarget.value) / proxyTarget.knee),
              ),
              "autoscaling.knative.dev/min-scale": String(minReplicas),
              "autoscaling.knative.dev/max-scale": String(maxReplicas),
            },
          },
          spec: {
            containerConcurrency: proxyTarget.knee,
            containers: [{ name: "server", image: "IMAGE" }],
          },
        },
      },
    },
  );
}
