/** An arrival process, as a plan names it. Rates are of the whole fleet, requests/s. */
export type Arrivals =
  | { readonly kind: "constant"; readonly ratePerSecond: number }
  | { readonly kind: "poisson"; readonly ratePerSecond: number }
  | {
      readonly kind: "gamma";
      readonly ratePerSecond: number;
      /** Of the gaps: 1 is Poisson, above 1 is bursty. */
      readonly coefficientOfVariation: number;
    }
  | {
      readonly kind: "ramp";
      readonly fromRatePerSecond: number;
      readonly toRatePerSecond: number;
      readonly durationNs: number;
    };

/** Instants of a process, one after the other. */
export interface ArrivalSchedule {
  /** The next arrival, in ns from the segment's start, a whole µs; never before the one before it. */
  nextAtNs(): number;
}
