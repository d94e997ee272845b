import { type EngineAdapter, ENGINES, newestName } from "../../server/engines.ts";
import { at, type Manifest, numberAt } from "./manifest.ts";
import { isOneSeries, operandsOf, selectorsOf, skeletonOf } from "./promql.ts";
import type { Trigger } from "./trigger.ts";

/** Stable: a rule keeps its letter. */
export const RULES = {
  A: "a ratio or a latency with AverageValue",
  B: "a query that returns more than one series",
  C: "a lost metric is read as no load",
  D: "cooldownPeriod taken for scale-down damping",
  E: "the signal is waiting alone",
  F: "namespace or model not pinned",
  G: "GPU utilisation or memory as a trigger",
  H: "a threshold above the knee",
} as const;
export type RuleCode = keyof typeof RULES;

export interface RuleContext {
  readonly manifest: Manifest;
  readonly triggers: readonly Trigger[];
  /** The most requests one replica may have within the SLO; undefined where it is not known. */
  readonly knee: number | undefined;
}

export interface Finding {
  readonly rule: RuleCode;
  /** Path in the manifest. */
  readonly where: string;
  readonly message: string;
  readonly hint: string;
}

type Rule = (context: RuleContext) => readonly Finding[];

/** What breaks a rule in one manifest, in the order of the rules. */
export function findingsOf(context: RuleContext): readonly Finding[] {
  return ALL.flatMap((rule) => rule(context));
}

/** A rule that looks at one trigger at a time. */
function perTrigger(
  rule: RuleCode,
  look: (trigger: Trigger, context: RuleContext) => { message: string; hint: string } | undefined,
): Rule {
  return (context) =>
    context.triggers.flatMap((trigger) => {
      const found = look(trigger, context);
      return found === undefined ? [] : [{ rule, where: trigger.where, ...found }];
    });
}

const RATIO_FUNCTION =
  /\b(histogram_quantile|quantile|quantile_over_time|avg)\s*(\(|by\b|without\b)/;
const RATIO_NAME =
  /(_perc|_percent|_ratio|_utilization|_utilisation|token_usage|_seconds|_latency)\b/i;

const ratio = perTrigger("A", ({ targetType, query, metric }) => {
  const text = skeletonOf(query ?? metric ?? "");
  // A part of another number: a division at the outermost level.
  const divides = operandsOf(text).length > 1 && /\/(?!\s*\d)/.test(text);
  if (targetType !== "AverageValue") return undefined;
  if (!RATIO_FUNCTION.test(text) && !RATIO_NAME.test(text) && !divides) return undefined;
  return {
    message:
      "AverageValue asks for ceil(value / threshold), and a ratio or a latency does not grow with the fleet",
    hint: "follow a number that adds up over the replicas, such as requests running + waiting; or use metricType: Value",
  };
});

const series = perTrigger("B", ({ query }) => {
  if (query === undefined || operandsOf(query).every(isOneSeries)) return undefined;
  return {
    message: "the query returns a series for each pod or label, and only one is read, or none",
    hint: "put sum(…) around each metric, without by (…)",
  };
});

const nulls = perTrigger("C", ({ type, query, ignoreNullValues }) => {
  if (query !== undefined && /\bor\s+vector\s*\(\s*0\s*\)/.test(query))
    return {
      message:
        "`or vector(0)` makes no load of a metric that is gone, and a second series beside one that is not aggregated",
      hint: 'leave it out, and set ignoreNullValues: "false" with a fallback',
    };
  if (type !== "prometheus" || ignoreNullValues === "false") return undefined;
  return {
    message:
      "ignoreNullValues is not false: when the metric is gone, 0 is read, and the fleet shrinks to its minimum",
    hint: 'set ignoreNullValues: "false", and a fallback',
  };
});

const cooldown: Rule = ({ manifest: { kind, tree } }) => {
  if (kind !== "ScaledObject" || numberAt(tree, "spec", "cooldownPeriod") === undefined) return [];
  const down = at(
    tree,
    "spec",
    "advanced",
    "horizontalPodAutoscalerConfig",
    "behavior",
    "scaleDown",
  );
  if (down !== undefined || (numberAt(tree, "spec", "minReplicaCount") ?? 0) === 0) return [];
  return [
    {
      rule: "D",
      where: "spec.cooldownPeriod",
      message:
        "cooldownPeriod only delays the step to 0 replicas, which minReplicaCount rules out; it damps nothing",
      hint: "write advanced.horizontalPodAutoscalerConfig.behavior.scaleDown instead",
    },
  ];
};

const WAITING = new Set<string>(ENGINES.map(({ waiting }) => newestName(waiting)));

function metricsOf({ query, metric }: Trigger): readonly string[] {
  if (query !== undefined) return selectorsOf(query).map((selector) => selector.metric);
  return metric === undefined ? [] : [metric];
}

function isWaiting(metric: string): boolean {
  return (
    WAITING.has(metric) || /(requests?_waiting|queue_(size|length|depth)|queue_reqs)/i.test(metric)
  );
}

const waitingOnly: Rule = ({ triggers }) => {
  const metrics = triggers.flatMap(metricsOf);
  if (metrics.length === 0 || !metrics.every(isWaiting)) return [];
  return [
    {
      rule: "E",
      where: triggers[0]?.where ?? "",
      message: `${metrics[0] ?? ""} is about 0 until the SLO is lost, then large: blind first, a sawtooth after`,
      hint: "follow running + waiting",
    },
  ];
};

const pinned = perTrigger("F", ({ query, namespace }) => {
  const open = selectorsOf(query ?? "").flatMap(({ metric, matchers }) => {
    const missing = [
      ...(namespace === undefined && !/[{,]\s*(exported_)?namespace\s*=/.test(matchers)
        ? ["namespace"]
        : []),
      ...missingModel(metric, matchers),
    ];
    return missing.length === 0 ? [] : [`${metric} has no ${missing.join(" and no ")}`];
  });
  if (open.length === 0) return undefined;
  return {
    message: `${[...new Set(open)].join("; ")}: every deployment in reach of that Prometheus is counted`,
    hint: 'write {namespace="…",model_name="…"}',
  };
});

function missingModel(metric: string, matchers: string): readonly string[] {
  const engine = ENGINES.find((each) => prefixOf(each) !== "" && metric.startsWith(prefixOf(each)));
  const label = engine?.modelLabel;
  return label === undefined || matchers.includes(label) ? [] : [label];
}

/** "vllm:", "trtllm_", … */
function prefixOf({ running }: EngineAdapter): string {
  return /^(llm_d_epp_|[a-z]+[:_])/.exec(newestName(running))?.[0] ?? "";
}

const GPU =
  /(DCGM_FI_DEV_(GPU_UTIL|MEM|FB)|gpu.*(util|memory|duty)|nvidia.*(util|memory|duty)|duty_cycle|container_memory)/i;

const gpu = perTrigger("G", (trigger) => {
  const metrics = metricsOf(trigger);
  if (trigger.type !== "memory" && !metrics.some((metric) => GPU.test(metric))) return undefined;
  return {
    message:
      "a GPU that decodes one request counts as busy as one that decodes fifty, and an engine takes its memory at the start",
    hint: "follow requests running + waiting",
  };
});

const aboveKnee = perTrigger("H", (trigger, { knee }) => {
  const { target, targetType, type } = trigger;
  if (knee === undefined || target === undefined || targetType !== "AverageValue") return undefined;
  const counts = type === "concurrency" || metricsOf(trigger).some(countsRequests);
  if (!counts || target <= knee) return undefined;
  return {
    message: `${target} requests a replica, and the SLO ends at ${knee}: the fleet grows when it is lost`,
    hint: "take the target of `loadline calibrate`",
  };
});

function countsRequests(metric: string): boolean {
  return (
    /requests?(_|$)|running_reqs|queue|batch_current_size/i.test(metric) && !/_seconds/.test(metric)
  );
}

const ALL: readonly Rule[] = [ratio, series, nulls, cooldown, waitingOnly, pinned, gpu, aboveKnee];
