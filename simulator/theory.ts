import { assert } from "../shared/assert.ts";

/**
 * Closed forms of the queues that the simulator can be. Independent of the scheduler's code, so that one checks
 * the other. Rates are requests/s, times s; c = slots, μ = 1 / mean service time, λ = arrival rate.
 */

/** A promise on the time in system (wait + service): at most 1 − quantile of the requests exceed `limitS`. */
export interface SojournLimit {
  readonly limitS: number;
  /** 0.99 for p99. */
  readonly quantile: number;
}

/**
 * Erlang's C: the probability that an arrival finds every slot taken (M/M/c), from the stable recursion of
 * Erlang's B; 1 once the load reaches the slots.
 *
 * @param loadErlang λ / μ.
 */
export function erlangC(c: number, loadErlang: number): number {
  if (loadErlang >= c) return 1;
  let blocking = 1;
  for (let slot = 1; slot <= c; slot++) {
    blocking = (loadErlang * blocking) / (slot + loadErlang * blocking);
  }
  const utilisation = loadErlang / c;
  return blocking / (1 - utilisation * (1 - blocking));
}

/**
 * P(sojourn > timeS) in M/M/c, first come first served: with θ = cμ − λ and k = Cμ / (θ − μ),
 * e^{−μt}(1 + k) − k e^{−θt}. Where θ = μ the two exponentials meet: e^{−μt}(1 + Cμt).
 */
export function mmcSojournTail(queue: {
  readonly c: number;
  readonly mu: number;
  readonly ratePerSecond: number;
  readonly timeS: number;
}): number {
  const { c, mu, ratePerSecond, timeS } = queue;
  if (ratePerSecond >= c * mu) return 1;
  const waiting = erlangC(c, ratePerSecond / mu);
  const theta = c * mu - ratePerSecond;
  const serviceTail = Math.exp(-mu * timeS);
  if (Math.abs(theta - mu) < 1e-9 * mu) return serviceTail * (1 + waiting * mu * timeS);
  const k = (waiting * mu) / (theta - mu);
  return serviceTail * (1 + k) - k * Math.exp(-theta * timeS);
}

/** The highest λ whose sojourn meets the limit; 0 when the service alone misses it. */
export function mmcMaxRate(
  options: SojournLimit & { readonly c: number; readonly mu: number },
): number {
  const { c, mu, limitS, quantile } = options;
  return highestRate(c * mu, quantile, (ratePerSecond) =>
    mmcSojournTail({ c, mu, ratePerSecond, timeS: limitS }),
  );
}

/**
 * P(waiting ≤ waitS) in M/D/1.
 *
 * With k − 1 whole services in waitS and Q_j = P(at most j wait): Σ_{j<k} Q_{k−1−j} e^{−y} y^j / j!, where
 * y = λ(k s − waitS). Every term is positive, unlike in Erlang's own alternating sum, which loses all digits
 * near saturation. The chain's states come from the level-crossing recursion, whose terms are positive too.
 *
 * @see G. J. Franx, "A simple solution for the M/D/c waiting time distribution", OR Letters 29 (2001).
 */
export function md1WaitingCdf(queue: {
  readonly ratePerSecond: number;
  readonly serviceS: number;
  readonly waitS: number;
}): number {
  const { ratePerSecond, serviceS, waitS } = queue;
  if (waitS < 0 || ratePerSecond * serviceS >= 1) return 0;
  const k = Math.floor(waitS / serviceS) + 1;
  const inSystem = md1InSystem(ratePerSecond * serviceS, k + 1);

  const waitingAtMost: number[] = [];
  let cumulative = inSystem[0] ?? 0;
  for (let j = 0; j < k; j++) {
    cumulative += inSystem[j + 1] ?? 0;
    waitingAtMost.push(cumulative);
  }

  const y = ratePerSecond * (k * serviceS - waitS);
  let total = 0;
  let weight = Math.exp(-y);
  for (let j = 0; j < k; j++) {
    total += (waitingAtMost[k - 1 - j] ?? 0) * weight;
    weight *= y / (j + 1);
  }
  return Math.min(1, total);
}

/** π_0 … π_n of the number in an M/D/1 system of utilisation ρ: π_{n+1} a_0 = π_0 A_n + Σ_{j=1..n} π_j A_{n+1−j}. */
function md1InSystem(utilisation: number, n: number): number[] {
  const { first, tails } = poissonTails(utilisation, n + 1);
  const states = [1 - utilisation];
  for (let m = 0; m < n; m++) {
    let flow = (states[0] ?? 0) * (tails[m] ?? 0);
    for (let j = 1; j <= m; j++) flow += (states[j] ?? 0) * (tails[m + 1 - j] ?? 0);
    states.push(flow / first);
  }
  return states;
}

/** P(X = 0), and A_i = P(X > i) for i = 0 … n, of a Poisson X; summed from the far end, so that small tails keep their digits. */
function poissonTails(mean: number, n: number): { first: number; tails: number[] } {
  // Means are at most 1 here: beyond 40 more terms a term is below 1e-45 of the first.
  const terms = [Math.exp(-mean)];
  for (let i = 1; i <= n + 40; i++) terms.push(((terms[i - 1] ?? 0) * mean) / i);
  const tails = new Array<number>(n + 1).fill(0);
  let above = 0;
  for (let i = terms.length - 1; i >= 0; i--) {
    if (i <= n) tails[i] = above;
    above += terms[i] ?? 0;
  }
  return { first: terms[0] ?? 1, tails };
}

/** The highest λ of M/D/1 whose time in system meets the limit; 0 when the service alone misses it. */
export function md1MaxRate(options: SojournLimit & { readonly serviceS: number }): number {
  const { serviceS, limitS, quantile } = options;
  if (limitS < serviceS) return 0;
  return highestRate(
    1 / serviceS,
    quantile,
    (ratePerSecond) => 1 - md1WaitingCdf({ ratePerSecond, serviceS, waitS: limitS - serviceS }),
  );
}

/**
 * Continuous batching in the mean: a step takes a + b · (sequences decoding) + c · (prompt tokens prefilled in it).
 * Times s; every request has P prompt tokens and O output tokens; at most M sequences run.
 */
export interface BatchingMean {
  readonly a: number;
  readonly b: number;
  readonly c: number;
  readonly M: number;
  readonly promptTokens: number;
  readonly outputTokens: number;
}

/** λ_∞ = 1 / (cP + bO): what it would carry with steps that cost nothing by themselves and no bound on sequences. */
export function batchingRateLimit(
  mean: Pick<BatchingMean, "b" | "c" | "promptTokens" | "outputTokens">,
): number {
  return 1 / (mean.c * mean.promptTokens + mean.b * mean.outputTokens);
}

/** M / (aO + M(cP + bO)): the rate at which M sequences run all the time. */
export function batchingCapacity(mean: BatchingMean): number {
  const perRequestS = mean.c * mean.promptTokens + mean.b * mean.outputTokens;
  return mean.M / (mean.a * mean.outputTokens + mean.M * perRequestS);
}

/** Mean length of a step at rate λ, s: a / (1 − λ / λ_∞). Mean field: good for many sequences, below M. */
export function batchingStepS(mean: Omit<BatchingMean, "M">, ratePerSecond: number): number {
  return mean.a / (1 - ratePerSecond / batchingRateLimit(mean));
}

/** The highest λ with a mean step (and so a mean inter-token time) of at most `limitS`: λ_∞(1 − a / L). */
export function batchingMaxRateForStep(mean: Omit<BatchingMean, "M">, limitS: number): number {
  return Math.max(0, batchingRateLimit(mean) * (1 - mean.a / limitS));
}

/** Halvings of the bracket: more than the 53 bits that a rate has. */
const BISECTIONS = 60;

/** The highest rate below `capacity` at which tail(rate) ≤ 1 − quantile; the tail grows with the rate. */
export function highestRate(
  capacity: number,
  quantile: number,
  tail: (ratePerSecond: number) => number,
): number {
  assert(quantile > 0 && quantile < 1, "a quantile lies between 0 and 1");
  const allowed = 1 - quantile;
  let low = 0;
  let high = capacity;
  if (tail(1e-12 * capacity) > allowed) return 0;
  for (let round = 0; round < BISECTIONS; round++) {
    const middle = (low + high) / 2;
    if (tail(middle) <= allowed) low = middle;
    else high = middle;
  }
  return low;
}
