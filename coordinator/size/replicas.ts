import { assert } from "../../shared/assert.ts";

/** A load to be carried; tokens/s null where the mix is the measured one. */
export interface PlannedLoad {
  readonly requestsPerSecond: number;
  readonly promptTokensPerSecond: number | null;
  readonly outputTokensPerSecond: number | null;
}

/** What one replica carries within the SLO; tokens/s null where they were not counted. */
export type ReplicaCapacity = PlannedLoad;

/** How many replicas one constraint asks for. */
export interface Constraint {
  readonly kind: keyof PlannedLoad;
  readonly needed: number;
  /** Of one replica, without headroom. */
  readonly perReplica: number;
  readonly replicas: number;
}

/** What is kept for a loss: so many replicas, or a whole zone of several. */
export type Redundancy =
  | { readonly kind: "spare"; readonly replicas: number }
  | { readonly kind: "zones"; readonly zones: number };

const KINDS = ["requestsPerSecond", "promptTokensPerSecond", "outputTokensPerSecond"] as const;

/** Binary dust must not ask for a replica: 3 × 0.1 is not more than 0.3. */
const DUST = 1e-9;

/**
 * Every constraint that applies: requests, and tokens where the load's mix is known. Requests of the measured mix need no
 * more than their rate says; longer ones need more, as if a replica's tokens/s were what it is out of.
 *
 * @param capacity.part of the capacity that is planned with, above 0 and at most 1.
 */
export function constraintsOf(
  load: PlannedLoad,
  capacity: { readonly perReplica: ReplicaCapacity; readonly part: number },
): readonly Constraint[] {
  assert(capacity.part > 0 && capacity.part <= 1, "a part of the capacity is planned");
  return KINDS.flatMap((kind) => {
    const needed = load[kind];
    const perReplica = capacity.perReplica[kind];
    if (needed === null || perReplica === null) return [];
    assert(perReplica > 0, "a replica carries something");
    const replicas = Math.ceil(needed / (perReplica * capacity.part) - DUST);
    return [{ kind, needed, perReplica, replicas: Math.max(0, replicas) }];
  });
}

/** The constraint that asks for most; the first of several. */
export function bindingOf(constraints: readonly Constraint[]): Constraint {
  const [first] = constraints;
  assert(first !== undefined, "requests always constrain");
  return constraints.reduce((most, each) => (each.replicas > most.replicas ? each : most), first);
}

/**
 * How many to run so that `needed` of them are left when one is lost (or as many as are spared), or when the largest
 * of the zones is, over which they are spread as evenly as whole replicas go.
 */
export function withRedundancy(needed: number, redundancy: Redundancy): number {
  if (redundancy.kind === "spare") return needed + redundancy.replicas;
  const { zones } = redundancy;
  assert(zones >= 2, "a lost zone leaves another");
  let total = needed;
  while (total - Math.ceil(total / zones) < needed) total += 1;
  return total;
}
