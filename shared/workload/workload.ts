/** A distribution of token counts; every draw is rounded and clipped to at least 1. */
export type Lengths =
  | { readonly kind: "fixed"; readonly tokens: number }
  | { readonly kind: "uniform"; readonly low: number; readonly high: number }
  | { readonly kind: "normal"; readonly mean: number; readonly standardDeviation: number }
  | { readonly kind: "lognormal"; readonly mean: number; readonly coefficientOfVariation: number }
  | { readonly kind: "empirical"; readonly values: readonly number[] };

/** A kind of request with its own lengths; `weight` is its part of the arrivals. */
export interface TrafficClass {
  readonly name: string;
  readonly weight: number;
  readonly promptTokens: Lengths;
  readonly outputTokens: Lengths;
}

/** At least one class; without a mix there is one, named "default", of weight 1. */
export interface Workload {
  readonly classes: readonly TrafficClass[];
}
