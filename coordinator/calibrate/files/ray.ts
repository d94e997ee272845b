import { type EmittedFile, type FileInput, headOf, yamlFile } from "./emitted-file.ts";

/** `max_ongoing_requests` is this many times the target, as long as that is not past the knee. */
const BURST_FACTOR = 1.3;

/** The part of a Ray Serve config (`serve deploy`) that scales a deployment. Ray counts requests at its proxy. */
export function rayFile(input: FileInput): EmittedFile {
  const { calibration, deployment } = input;
  const { proxyTarget, delay } = calibration;
  return yamlFile(
    "ray-serve.yaml",
    [
      ...headOf(input),
      "Put the fields of the deployment into your own config; Ray counts the requests in flight at its proxy.",
    ],
    {
      applications: [
        {
          name: deployment.workload,
          route_prefix: "/",
          import_path: "serve_app:app",
          deployments: [
            {
              name: deployment.workload,
              max_ongoing_requests: ongoingMax(proxyTarget),
              autoscaling_config: {
                min_replicas: deployment.minReplicas,
                max_replicas: deployment.maxReplicas,
                target_ongoing_requests: proxyTarget.value,
                upscale_delay_s: Math.max(1, Math.round(delay.stabilisationS)),
                downscale_delay_s: 600,
              },
            },
          ],
        },
      ],
    },
  );
}

/** Room for bursts, 1.3 × the target, and never past the knee. */
export function ongoingMax(target: { readonly value: number; readonly knee: number }): number {
  return Math.max(target.value, Math.min(Math.ceil(BURST_FACTOR * target.value), target.knee));
}
