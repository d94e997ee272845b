/** `spec.behavior.scaleUp` or `scaleDown` of an HPA. */
export interface ScalingRules {
  readonly stabilizationWindowSeconds: number;
  readonly policies: readonly {
    readonly type: string;
    readonly value: number;
    readonly periodSeconds: number;
  }[];
}

export interface AutoscalerOptions {
  readonly minReplicas: number;
  readonly maxReplicas: number;
  readonly scaleUp: ScalingRules;
  readonly scaleDown: ScalingRules;
}

/** `--horizontal-pod-autoscaler-tolerance`: closer to the target than this nothing is done. */
export const TOLERANCE = 0.1;

/**
 * What an External metric with AverageValue asks for (KEDA's default, too): ceil(total / target).
 *
 * @see kubernetes/pkg/controller/podautoscaler/replica_calculator.go, GetExternalPerPodMetricReplicas
 */
export function replicasByAverage(total: number, target: number, replicas: number): number {
  if (Math.abs(total / (target * replicas) - 1) <= TOLERANCE) return replicas;
  return Math.ceil(total / target);
}

/**
 * What a mean over pods (utilisation) asks for: ceil(ready × mean / target). Pods that are not ready count as idle when
 * that would scale up, so they hold it back.
 *
 * @see replica_calculator.go, calcPlainMetricReplicas
 */
export function replicasByRatio(
  ratio: number,
  { ready, replicas }: { readonly ready: number; readonly replicas: number },
): number {
  if (Math.abs(ratio - 1) <= TOLERANCE) return replicas;
  if (ratio < 1) return Math.ceil(ratio * ready);
  const dampened = (ratio * ready) / replicas;
  if (dampened <= 1 + TOLERANCE) return replicas;
  return Math.max(replicas, Math.ceil(dampened * replicas));
}

interface Timed {
  readonly atS: number;
  readonly value: number;
}

/**
 * The controller behind every HPA: stabilisation windows, then rate policies, then the bounds.
 *
 * @see horizontal.go, stabilizeRecommendationWithBehaviors and convertDesiredReplicasWithBehaviorRate
 */
export class Autoscaler {
  readonly #options: AutoscalerOptions;
  #recommendations: Timed[] = [];
  /** Replicas added (above 0) and removed (below). */
  #changes: Timed[] = [];

  constructor(options: AutoscalerOptions) {
    this.#options = options;
  }

  /** @param asked by the metric. @returns how many replicas there are to be. */
  decide(atS: number, asked: number, replicas: number): number {
    const { minReplicas, maxReplicas } = this.#options;
    const wanted = this.#stabilised(atS, asked, replicas);
    const limited =
      wanted > replicas
        ? Math.min(wanted, this.#mostAt(atS, replicas))
        : Math.max(wanted, this.#leastAt(atS, replicas));
    const decided = Math.min(maxReplicas, Math.max(minReplicas, limited));
    if (decided !== replicas) this.#changes.push({ atS, value: decided - replicas });
    return decided;
  }

  #stabilised(atS: number, asked: number, replicas: number): number {
    const { scaleUp, scaleDown } = this.#options;
    const longest = Math.max(
      scaleUp.stabilizationWindowSeconds,
      scaleDown.stabilizationWindowSeconds,
    );
    this.#recommendations = this.#recommendations.filter((each) => each.atS > atS - longest);
    this.#recommendations.push({ atS, value: asked });
    const within = (rules: ScalingRules): readonly number[] =>
      this.#recommendations
        .filter((each) => each.atS === atS || each.atS > atS - rules.stabilizationWindowSeconds)
        .map(({ value }) => value);
    const leastUp = Math.min(...within(scaleUp));
    const mostDown = Math.max(...within(scaleDown));
    return Math.min(Math.max(replicas, leastUp), mostDown);
  }

  #mostAt(atS: number, replicas: number): number {
    const { policies } = this.#options.scaleUp;
    return Math.max(
      ...policies.map(({ type, value, periodSeconds }) => {
        const before = replicas - this.#changedWithin(atS, periodSeconds);
        return type === "Pods" ? before + value : Math.ceil(before * (1 + value / 100));
      }),
    );
  }

  #leastAt(atS: number, replicas: number): number {
    const { policies } = this.#options.scaleDown;
    return Math.min(
      ...policies.map(({ type, value, periodSeconds }) => {
        const before = replicas - this.#changedWithin(atS, periodSeconds);
        return type === "Pods" ? before - value : Math.trunc(before * (1 - value / 100));
      }),
    );
  }

  #changedWithin(atS: number, periodS: number): number {
    this.#changes = this.#changes.filter((change) => change.atS > atS - LONGEST_PERIOD_S);
    return this.#changes
      .filter((change) => change.atS > atS - periodS)
      .reduce((sum, { value }) => sum + value, 0);
  }
}

/** `periodSeconds` goes no further. */
const LONGEST_PERIOD_S = 1_800;
