import type { Arrivals } from "./arrivals.ts";

/** Beyond one arrival a µs, instants are too coarse to tell arrivals apart. */
export const RATE_PER_SECOND_MAX = 1_000_000;
/** Below it a gamma process is constant, above it one endless clump: a segment would see nothing else. */
const COEFFICIENT_OF_VARIATION_MIN = 0.001;
const COEFFICIENT_OF_VARIATION_MAX = 100;

/** What is wrong with a process, one sentence each; empty when nothing is. */
export function arrivalsProblems(arrivals: Arrivals): string[] {
  switch (arrivals.kind) {
    case "constant":
    case "poisson":
      return rateProblems(arrivals.ratePerSecond);
    case "gamma":
      return [
        ...rateProblems(arrivals.ratePerSecond),
        ...variationProblems(arrivals.coefficientOfVariation),
      ];
    case "ramp":
      return rampProblems(arrivals);
  }
}

function rateProblems(ratePerSecond: number): string[] {
  if (ratePerSecond > 0 && ratePerSecond <= RATE_PER_SECOND_MAX) return [];
  return [
    `a rate must be above 0 and at most ${RATE_PER_SECOND_MAX} requests/s, not ${ratePerSecond}`,
  ];
}

function variationProblems(variation: number): string[] {
  if (variation >= COEFFICIENT_OF_VARIATION_MIN && variation <= COEFFICIENT_OF_VARIATION_MAX) {
    return [];
  }
  return [
    `a coefficient of variation must be from ${COEFFICIENT_OF_VARIATION_MIN} to ` +
      `${COEFFICIENT_OF_VARIATION_MAX}, not ${variation}`,
  ];
}

/** A ramp may start or end at 0, but not both. */
function rampProblems(ramp: Extract<Arrivals, { readonly kind: "ramp" }>): string[] {
  const { fromRatePerSecond, toRatePerSecond, durationNs } = ramp;
  const rates = [fromRatePerSecond, toRatePerSecond];
  const problems = rates.filter((rate) => rate !== 0).flatMap(rateProblems);
  if (rates.every((rate) => rate === 0)) {
    problems.push("a ramp must start or end above 0 requests/s");
  }
  if (!(durationNs > 0 && durationNs <= Number.MAX_SAFE_INTEGER)) {
    problems.push(`a ramp's duration must be above 0 ns, not ${durationNs}`);
  }
  return problems;
}
