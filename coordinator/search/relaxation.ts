/** What is left of a queue's start after so many relaxation times is e⁻² of it: 14 %. */
const RELAXATION_TIMES = 2;
/** Squared coefficients of variation of the gaps between arrivals (Poisson) and of the service (exponential), added. */
const VARIATION = 2;

/** A queue as a window shows it. */
export interface QueueSeen {
  readonly ratePerSecond: number;
  /** The latency that is not to be exceeded, s. */
  readonly limitS: number;
  /** Fraction that may exceed it, above 0 and below 1. */
  readonly allowedFraction: number;
  /** By how much ln P(T > u) falls from u = 0 to the limit; 0 where that is not known. */
  readonly logFall: number;
}

/**
 * How many requests a window needs before a queue can be said to keep its limit: those of two relaxation times.
 *
 * A queue begins empty, and one that is only just overrun fills slowly: until it has, the tail is that of a healthy one.
 * In heavy traffic the wait is a reflected Brownian motion of drift −(1 − ρ) and variance σ² = v / λ a second, v the sum
 * of the squared coefficients of variation. Its stationary tail falls as exp(−θ u) with θ = 2 (1 − ρ) / σ², and its start
 * is forgotten at the rate (1 − ρ)² / (2 σ²) (Harrison, Brownian Motion and Stochastic Flow Systems, 1985, 1.8 and 5.6; Abate and Whitt 1987):
 * a relaxation time is 8 / (θ² σ²), so 8 (λ D)² / (v (θ D)²) requests.
 * θ D is the fall of the logarithm up to the limit; a tail that just meets it falls by ln(1/ε), and steeper ones are
 * those of a queue that is further away and forgets sooner.
 *
 * @returns requests; at least 0.
 */
export function requestsToRelax({
  ratePerSecond,
  limitS,
  allowedFraction,
  logFall,
}: QueueSeen): number {
  const fall = Math.max(-Math.log(allowedFraction), logFall);
  return (RELAXATION_TIMES * 8 * (ratePerSecond * limitS) ** 2) / (VARIATION * fall ** 2);
}
