import type { EmittedFile, FileInput } from "./emitted-file.ts";

const SECONDS_PER_MINUTE = 60;
/** As long as removing replicas takes elsewhere in these files. */
const SCALE_IN_COOLDOWN_S = 300;

/**
 * Inputs of Application Auto Scaling for a SageMaker endpoint: what `register-scalable-target` and `put-scaling-policy`
 * take with --cli-input-json. Its metric is the invocations of an instance in a minute.
 */
export function sagemakerFiles({ calibration, deployment }: FileInput): readonly EmittedFile[] {
  const { workload, minReplicas, maxReplicas } = deployment;
  const scaled = {
    ServiceNamespace: "sagemaker",
    ResourceId: `endpoint/${workload}/variant/AllTraffic`,
    ScalableDimension: "sagemaker:variant:DesiredInstanceCount",
  };
  return [
    jsonFile("sagemaker-scalable-target.json", {
      ...scaled,
      MinCapacity: minReplicas,
      MaxCapacity: maxReplicas,
    }),
    jsonFile("sagemaker-scaling-policy.json", {
      PolicyName: `${workload}-loadline`,
      ...scaled,
      PolicyType: "TargetTrackingScaling",
      TargetTrackingScalingPolicyConfiguration: {
        TargetValue: Math.max(1, Math.floor(calibration.plannedPerSecond * SECONDS_PER_MINUTE)),
        PredefinedMetricSpecification: {
          PredefinedMetricType: "SageMakerVariantInvocationsPerInstance",
        },
        ScaleOutCooldown: 0,
        ScaleInCooldown: SCALE_IN_COOLDOWN_S,
      },
    }),
  ];
}

export function jsonFile(name: string, value: unknown): EmittedFile {
  return { name, text: `${JSON.stringify(value, undefined, 2)}\n` };
}
