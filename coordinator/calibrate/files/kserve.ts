import {
  annotationsOf,
  type EmittedFile,
  type FileInput,
  headOf,
  yamlFile,
} from "./emitted-file.ts";

/** A KServe InferenceService (serverless mode): scaled by concurrency, with the knee as the hard limit. */
export function kserveFile(input: FileInput): EmittedFile {
  const { calibration, deployment } = input;
  const { proxyTarget } = calibration;
  const { namespace, workload, minReplicas, maxReplicas } = deployment;
  return yamlFile(
    "kserve-inferenceservice.yaml",
    [...headOf(input), "Put the fields of the predictor into your own InferenceService."],
    {
      apiVersion: "serving.kserve.io/v1beta1",
      kind: "InferenceService",
      metadata: { name: workload, namespace, annotations: annotationsOf(input) },
      spec: {
        predictor: {
          minReplicas,
          maxReplicas,
          scaleMetric: "concurrency",
          scaleTarget: proxyTarget.value,
          containerConcurrency: proxyTarget.knee,
          containers: [{ name: "kserve-container", image: "IMAGE" }],
        },
      },
    },
  );
}
