import { at, isTree, listAt, type Manifest, numberAt, textAt, type Tree } from "./manifest.ts";

/** What an autoscaler follows, as any of the kinds writes it. */
export interface Trigger {
  /** Path in its manifest. */
  readonly where: string;
  /** "prometheus", "cpu", "memory", "External", "Pods", "concurrency", … */
  readonly type: string;
  /** PromQL, where the manifest holds it. */
  readonly query: string | undefined;
  /** The metric's name, where it holds only that. */
  readonly metric: string | undefined;
  readonly targetType: "AverageValue" | "Value" | "Utilization";
  readonly target: number | undefined;
  /** Of a KEDA trigger; undefined where it is not written. */
  readonly ignoreNullValues: string | undefined;
  /** Namespace given beside the query. */
  readonly namespace: string | undefined;
}

const NOTHING = {
  query: undefined,
  metric: undefined,
  target: undefined,
  ignoreNullValues: undefined,
  namespace: undefined,
} as const;

/** Undefined for a kind that is no autoscaler's. */
export function triggersOf(manifest: Manifest): readonly Trigger[] | undefined {
  return READERS[manifest.kind]?.(manifest.tree);
}

const READERS: Readonly<Record<string, (tree: Tree) => readonly Trigger[] | undefined>> = {
  ScaledObject: (tree) => listAt(tree, "spec", "triggers").map(kedaTrigger),
  HorizontalPodAutoscaler: (tree) => listAt(tree, "spec", "metrics").map(hpaMetric),
  InferenceService: (tree) => kserveTriggers(tree),
  "Ray Serve config": (tree) => rayTriggers(tree),
  // KubeRay's: with no Serve config in it, it scales nothing.
  RayService: (tree) => {
    const serve = at(tree, "spec", "serveConfigV2");
    return isTree(serve) ? rayTriggers(serve) : undefined;
  },
  // A core v1 Service scales nothing.
  Service: (tree) =>
    textAt(tree, "apiVersion")?.startsWith("serving.knative.dev/") === true
      ? knativeTriggers(tree)
      : undefined,
};

function kedaTrigger(trigger: unknown, place: number): Trigger {
  const metadata = at(trigger, "metadata");
  return {
    where: `spec.triggers[${place}]`,
    type: textAt(trigger, "type") ?? "",
    query: textAt(metadata, "query"),
    metric: textAt(metadata, "metricName"),
    targetType: targetType(textAt(trigger, "metricType")),
    target: numberAt(metadata, "threshold") ?? numberAt(metadata, "value"),
    ignoreNullValues: textAt(metadata, "ignoreNullValues"),
    namespace: textAt(metadata, "namespace"),
  };
}

/** KEDA's default is AverageValue. */
function targetType(text: string | undefined): Trigger["targetType"] {
  return text === "Value" || text === "Utilization" ? text : "AverageValue";
}

function hpaMetric(metric: unknown, place: number): Trigger {
  const type = textAt(metric, "type") ?? "";
  const source = at(metric, type.charAt(0).toLowerCase() + type.slice(1));
  return {
    ...NOTHING,
    where: `spec.metrics[${place}]`,
    type: type === "Resource" ? (textAt(source, "name") ?? type) : type,
    metric: textAt(source, "metric", "name") ?? textAt(source, "name"),
    targetType: targetType(textAt(source, "target", "type")),
    target: numberAt(source, "target", "averageValue") ?? numberAt(source, "target", "value"),
  };
}

function concurrency(where: string, target: number | undefined): readonly Trigger[] {
  if (target === undefined || target === 0) return [];
  return [{ ...NOTHING, where, type: "concurrency", targetType: "AverageValue", target }];
}

function knativeTriggers(tree: Tree): readonly Trigger[] {
  const template = at(tree, "spec", "template");
  return [
    ...concurrency(
      "spec.template.spec.containerConcurrency",
      numberAt(template, "spec", "containerConcurrency"),
    ),
    ...concurrency(
      "autoscaling.knative.dev/target",
      numberAt(template, "metadata", "annotations", "autoscaling.knative.dev/target"),
    ),
  ];
}

function kserveTriggers(tree: Tree): readonly Trigger[] {
  const predictor = at(tree, "spec", "predictor");
  const scaled = textAt(predictor, "scaleMetric") ?? "concurrency";
  return [
    ...concurrency(
      "spec.predictor.containerConcurrency",
      numberAt(predictor, "containerConcurrency"),
    ),
    ...(scaled === "concurrency"
      ? concurrency("spec.predictor.scaleTarget", numberAt(predictor, "scaleTarget"))
      : []),
  ];
}

function rayTriggers(tree: Tree): readonly Trigger[] {
  return listAt(tree, "applications").flatMap((application) =>
    listAt(application, "deployments")
      .filter(isTree)
      .flatMap((deployment) => {
        const name = textAt(deployment, "name") ?? "";
        return [
          ...concurrency(
            `${name}: target_ongoing_requests`,
            numberAt(deployment, "autoscaling_config", "target_ongoing_requests"),
          ),
          ...concurrency(
            `${name}: max_ongoing_requests`,
            numberAt(deployment, "max_ongoing_requests"),
          ),
        ];
      }),
  );
}
