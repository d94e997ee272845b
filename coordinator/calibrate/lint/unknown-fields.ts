import { at, isTree, type Manifest } from "./manifest.ts";

const SCALING = ["scaleUp", "scaleDown"];

/** Fields of the API (KEDA 2.18, autoscaling/v2), by the path of their parent; `[]` stands for every item of a list. */
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

function parentsAt(
  tree: unknown,
  path: string,
): readonly { readonly where: string; readonly value: unknown }[] {
  const keys = path
    .replace("[]", "")
    .split(".")
    .filter((key) => key !== "");
  const value = at(tree, ...keys);
  if (!path.endsWith("[]")) return [{ where: path, value }];
  const items = Array.isArray(value) ? (value as unknown[]) : [];
  return items.map((item, place) => ({ where: `${keys.join(".")}[${place}]`, value: item }));
}
