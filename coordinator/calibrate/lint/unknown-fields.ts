import { at, isTree, type Manifest } from "./manifest.ts";

const SCALING = ["scaleUp", "scaleDown"];

/** Of Ray 2.60's ServeDeploySchema. Ray itself drops an unknown field without a word. */
const RAY_SERVE: Readonly<Record<string, readonly string[]>> = {
  "": [
    "proxy_location",
    "http_options",
    "grpc_options",
    "controller_options",
    "logging_config",
    "tracing_config",
    "applications",
    "target_capacity",
  ],
  "applications[]": [
    "name",
    "route_prefix",
    "import_path",
    "runtime_env",
    "host",
    "port",
    "deployments",
    "autoscaling_policy",
    "args",
    "logging_config",
    "external_scaler_enabled",
  ],
  "applications[].deployments[]": [
    "name",
    "num_replicas",
    "max_ongoing_requests",
    "max_queued_requests",
    "backpressure_config",
    "user_config",
    "autoscaling_config",
    "graceful_shutdown_wait_loop_s",
    "graceful_shutdown_timeout_s",
    "health_check_period_s",
    "health_check_timeout_s",
    "ray_actor_options",
    "placement_group_bundles",
    "placement_group_strategy",
    "placement_group_bundle_label_selector",
    "max_replicas_per_node",
    "logging_config",
    "request_router_config",
    "gang_scheduling_config",
    "deployment_actors",
    "rolling_update_percentage",
    "max_surge_percent",
  ],
  "applications[].deployments[].autoscaling_config": [
    "min_replicas",
    "initial_replicas",
    "max_replicas",
    "target_ongoing_requests",
    "metrics_interval_s",
    "look_back_period_s",
    "smoothing_factor",
    "upscale_smoothing_factor",
    "downscale_smoothing_factor",
    "upscaling_factor",
    "downscaling_factor",
    "downscale_delay_s",
    "downscale_to_zero_delay_s",
    "upscale_delay_s",
    "aggregation_function",
    "policy",
  ],
};

/** Of KServe 0.21; a predictor takes every field of a pod too. */
const KSERVE_PREDICTOR: readonly string[] = [
  "activeDeadlineSeconds",
  "affinity",
  "annotations",
  "autoScaling",
  "automountServiceAccountToken",
  "batcher",
  "canaryTrafficPercent",
  "containerConcurrency",
  "containers",
  "deploymentStrategy",
  "dnsConfig",
  "dnsPolicy",
  "enableServiceLinks",
  "ephemeralContainers",
  "hostAliases",
  "hostIPC",
  "hostNetwork",
  "hostPID",
  "hostUsers",
  "hostname",
  "hostnameOverride",
  "huggingface",
  "imagePullSecrets",
  "initContainers",
  "labels",
  "lightgbm",
  "logger",
  "maxReplicas",
  "minReplicas",
  "model",
  "name",
  "nodeName",
  "nodeSelector",
  "onnx",
  "os",
  "overhead",
  "paddle",
  "pmml",
  "preemptionPolicy",
  "priority",
  "priorityClassName",
  "pytorch",
  "readinessGates",
  "resourceClaims",
  "resources",
  "restartPolicy",
  "runtimeClassName",
  "scaleMetric",
  "scaleMetricType",
  "scaleTarget",
  "schedulerName",
  "schedulingGates",
  "schedulingGroup",
  "securityContext",
  "serviceAccount",
  "serviceAccountName",
  "setHostnameAsFQDN",
  "shareProcessNamespace",
  "sklearn",
  "storageContainerName",
  "storageUris",
  "subdomain",
  "tensorflow",
  "terminationGracePeriodSeconds",
  "timeout",
  "tolerations",
  "topologySpreadConstraints",
  "triton",
  "volumes",
  "workerSpec",
  "xgboost",
];

/**
 * Fields of the API (KEDA 2.18, autoscaling/v2, KServe 0.21, Ray 2.60), by the path of their parent; `[]` stands for
 * every item of a list.
 */
const KNOWN: Readonly<Record<string, Readonly<Record<string, readonly string[]>>>> = {
  ScaledObject: {
    "": ["apiVersion", "kind", "metadata", "spec", "status"],
    spec: [
      "scaleTargetRef",
      "pollingInterval",
      "cooldownPeriod",
      "initialCooldownPeriod",
      "idleReplicaCount",
      "minReplicaCount",
      "maxReplicaCount",
      "advanced",
      "triggers",
      "fallback",
    ],
    "spec.scaleTargetRef": ["name", "apiVersion", "kind", "envSourceContainerName"],
    "spec.fallback": ["failureThreshold", "replicas", "behavior"],
    "spec.advanced": [
      "horizontalPodAutoscalerConfig",
      "restoreToOriginalReplicaCount",
      "scalingModifiers",
    ],
    "spec.advanced.horizontalPodAutoscalerConfig": ["behavior", "name"],
    "spec.advanced.horizontalPodAutoscalerConfig.behavior": SCALING,
    "spec.triggers[]": [
      "type",
      "name",
      "useCachedMetrics",
      "metadata",
      "authenticationRef",
      "metricType",
    ],
  },
  InferenceService: {
    "": ["apiVersion", "kind", "metadata", "spec", "status"],
    spec: ["canary", "explainer", "predictor", "tracing", "transformer"],
    "spec.predictor": KSERVE_PREDICTOR,
  },
  "Ray Serve config": RAY_SERVE,
  RayService: Object.fromEntries(
    Object.entries(RAY_SERVE).map(([path, names]) => [
      path === "" ? "spec.serveConfigV2" : `spec.serveConfigV2.${path}`,
      names,
    ]),
  ),
  HorizontalPodAutoscaler: {
    "": ["apiVersion", "kind", "metadata", "spec", "status"],
    spec: ["scaleTargetRef", "minReplicas", "maxReplicas", "metrics", "behavior"],
    "spec.scaleTargetRef": ["apiVersion", "kind", "name"],
    "spec.behavior": SCALING,
    "spec.metrics[]": ["type", "resource", "containerResource", "pods", "object", "external"],
  },
};

/** Paths of fields that the API does not have, and a cluster would drop. */
export function unknownFields({ kind, tree }: Manifest): readonly string[] {
  return Object.entries(KNOWN[kind] ?? {}).flatMap(([path, names]) =>
    parentsAt(tree, path).flatMap(({ where, value }) =>
      Object.keys(isTree(value) ? value : {})
        .filter((name) => !names.includes(name))
        .map((name) => (where === "" ? name : `${where}.${name}`)),
    ),
  );
}

interface Parent {
  readonly where: string;
  readonly value: unknown;
}

function parentsAt(tree: unknown, path: string): readonly Parent[] {
  let parents: readonly Parent[] = [{ where: "", value: tree }];
  for (const step of path.split(".").filter((key) => key !== "")) {
    const key = step.replace("[]", "");
    parents = parents.map(({ where, value }) => ({
      where: where === "" ? key : `${where}.${key}`,
      value: at(value, key),
    }));
    if (step.endsWith("[]")) parents = parents.flatMap(itemsOf);
  }
  return parents;
}

function itemsOf({ where, value }: Parent): readonly Parent[] {
  const items = Array.isArray(value) ? (value as unknown[]) : [];
  return items.map((item, place) => ({ where: `${where}[${place}]`, value: item }));
}
