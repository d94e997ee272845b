import { drawNormal } from "../../shared/random/samplers.ts";
import { type Prng, randomStream } from "../../shared/random/stream.ts";
import {
  Autoscaler,
  type AutoscalerOptions,
  replicasByAverage,
  replicasByRatio,
} from "./autoscaler.ts";
import { type Forecast, rateAt } from "../forecast/forecast.ts";
import type { ReactionDelay } from "./headroom.ts";
import { isFraction, type ServiceModel, type SimulatedSignal } from "./service-model.ts";

/** What an autoscaler is told: a signal, and the number to hold it at on one replica. */
export interface ScalingRule {
  readonly signal: SimulatedSignal;
  /** Requests; a part where the signal is one. */
  readonly target: number;
}

export interface SimulationInput {
  readonly model: ServiceModel;
  readonly forecast: Forecast;
  readonly delay: ReactionDelay;
  readonly autoscaler: AutoscalerOptions;
  readonly replicasAtStart: number;
  /** Of the noise in a scraped number. */
  readonly seed: number;
}

export interface ClauseOutcome {
  readonly text: string;
  readonly limitFraction: number;
  readonly overFraction: number;
}

/** A minute of the replay. */
export interface SimulatedMinute {
  readonly atS: number;
  readonly ratePerSecond: number;
  /** Serving, at the end of the minute; `replicas` counts those that start, too. */
  readonly ready: number;
  readonly replicas: number;
  /** Of the requests of the minute, by the worst clause and its limit. */
  readonly overFraction: number;
  readonly meetsSlo: boolean;
}

export interface Simulation {
  readonly rule: ScalingRule;
  /** Every clause holds over the whole forecast. */
  readonly meetsSlo: boolean;
  readonly clauses: readonly ClauseOutcome[];
  /** Minutes in which every clause held, as a part of all. */
  readonly minutesWithinFraction: number;
  /** Paid from the order for a replica to its end. */
  readonly replicaHours: number;
  readonly replicasMax: number;
  /** Changes that were turned round within ten minutes. */
  readonly flapCount: number;
  readonly minutes: readonly SimulatedMinute[];
}

const SECONDS_PER_MINUTE = 60;
const SECONDS_PER_HOUR = 3_600;
const FLAP_S = 600;

/**
 * Replays a forecast, second by second: the load is a flow, a replica is its measured steady state up to its saturation,
 * and what is beyond that queues. Each decision sees a scrape of a whole `scrape + poll` ago, with the noise of a
 * Poisson count (a scrape sees one instant).
 *
 * @param rule its signal must be one that the model has.
 */
export function simulate(rule: ScalingRule, input: SimulationInput): Simulation {
  const fleet = new Fleet(rule, input);
  const cursor = { place: 0 };
  for (let atS = 0; atS < input.forecast.durationS; atS += 1)
    fleet.second(atS, rateAt(input.forecast, atS, cursor));
  return fleet.outcome();
}

/** The replicas at work and the queue before them. */
class Fleet {
  readonly #rule: ScalingRule;
  readonly #input: SimulationInput;
  readonly #autoscaler: Autoscaler;
  readonly #prng: Prng;
  readonly #signalAt: (ratePerSecond: number) => number;
  readonly #metricAgeS: number;
  #ready: number;
  /** When each one that starts is ready. */
  #starting: number[] = [];
  #backlog = 0;
  /** The metric of the last seconds, newest last. */
  readonly #metric: number[] = [];
  readonly #sums: { requests: number; over: number[]; replicaSeconds: number; most: number };
  #minute: { requests: number; over: number[] };
  readonly #minutes: SimulatedMinute[] = [];
  readonly #changes: { atS: number; by: number }[] = [];

  constructor(rule: ScalingRule, input: SimulationInput) {
    this.#rule = rule;
    this.#input = input;
    this.#autoscaler = new Autoscaler(input.autoscaler);
    this.#prng = randomStream({ seed: input.seed, segment: NOISE_SEGMENT, purpose: "arrivals" });
    this.#signalAt = input.model.signal(rule.signal) ?? (() => 0);
    this.#metricAgeS = Math.round(input.delay.scrapeS + input.delay.pollS);
    this.#ready = input.replicasAtStart;
    const zero = (): number[] => input.model.clauses.map(() => 0);
    this.#sums = { requests: 0, over: zero(), replicaSeconds: 0, most: 0 };
    this.#minute = { requests: 0, over: zero() };
  }

  second(atS: number, ratePerSecond: number): void {
    this.#start(atS);
    const { saturationPerSecond, clauses } = this.#input.model;
    const capacity = this.#ready * saturationPerSecond;
    const waitS = this.#backlog / capacity;
    const share = Math.min(saturationPerSecond, ratePerSecond / this.#ready);
    for (const [place, { over, waitMaxS }] of clauses.entries())
      this.#count(place, ratePerSecond * (waitS > waitMaxS ? 1 : over.at(share)));
    this.#sums.requests += ratePerSecond;
    this.#minute.requests += ratePerSecond;
    this.#backlog = Math.max(0, this.#backlog + ratePerSecond - capacity);
    this.#metric.push(this.#metricNow(share));
    if (this.#metric.length > this.#metricAgeS + 1) this.#metric.shift();
    if (atS % Math.max(1, Math.round(this.#input.delay.periodS)) === 0) this.#decide(atS);
    this.#sums.replicaSeconds += this.#replicas;
    this.#sums.most = Math.max(this.#sums.most, this.#replicas);
    if ((atS + 1) % SECONDS_PER_MINUTE === 0) this.#endMinute(atS + 1, ratePerSecond);
  }

  get #replicas(): number {
    return this.#ready + this.#starting.length;
  }

  #start(atS: number): void {
    const before = this.#starting.length;
    this.#starting = this.#starting.filter((readyAtS) => readyAtS > atS);
    this.#ready += before - this.#starting.length;
  }

  #count(place: number, over: number): void {
    this.#sums.over[place] = (this.#sums.over[place] ?? 0) + over;
    this.#minute.over[place] = (this.#minute.over[place] ?? 0) + over;
  }

  /** Summed over the replicas for requests, a mean over them for a fraction. */
  #metricNow(share: number): number {
    const one = this.#signalAt(share);
    if (isFraction(this.#rule.signal)) return this.#backlog > 0 ? 1 : one;
    // The queue waits: it does not run.
    return one * this.#ready + (this.#rule.signal === "running" ? 0 : this.#backlog);
  }

  #decide(atS: number): void {
    const seen = this.#metric[0] ?? 0;
    const asked = this.#askedFor(seen);
    const replicas = this.#replicas;
    const decided = this.#autoscaler.decide(atS, asked, replicas);
    if (decided === replicas) return;
    this.#changes.push({ atS, by: decided - replicas });
    this.#change(atS, decided - replicas);
  }

  #askedFor(seen: number): number {
    const { signal, target } = this.#rule;
    if (isFraction(signal))
      return replicasByRatio(seen / target, { ready: this.#ready, replicas: this.#replicas });
    const scraped = Math.max(0, seen + Math.sqrt(seen) * drawNormal(this.#prng));
    return replicasByAverage(scraped, target, this.#replicas);
  }

  /** Those that start go first, the last one before the others. */
  #change(atS: number, by: number): void {
    const { provisioningS, startupS } = this.#input.delay;
    for (let added = 0; added < by; added += 1) this.#starting.push(atS + provisioningS + startupS);
    const cancelled = Math.min(this.#starting.length, Math.max(0, -by));
    if (cancelled > 0) this.#starting.splice(-cancelled);
    this.#ready -= Math.max(0, -by - cancelled);
  }

  #endMinute(atS: number, ratePerSecond: number): void {
    const { requests, over } = this.#minute;
    const fractions = over.map((count) => (requests === 0 ? 0 : count / requests));
    this.#minutes.push({
      atS,
      ratePerSecond,
      ready: this.#ready,
      replicas: this.#replicas,
      overFraction: Math.max(0, ...fractions),
      meetsSlo: this.#input.model.clauses.every(
        ({ limitFraction }, place) => (fractions[place] ?? 0) <= limitFraction,
      ),
    });
    this.#minute = { requests: 0, over: over.map(() => 0) };
  }

  outcome(): Simulation {
    const { requests, over, replicaSeconds, most } = this.#sums;
    const clauses = this.#input.model.clauses.map(
      ({ text, limitFraction }, place): ClauseOutcome => ({
        text,
        limitFraction,
        overFraction: requests === 0 ? 0 : (over[place] ?? 0) / requests,
      }),
    );
    const within = this.#minutes.filter(({ meetsSlo }) => meetsSlo).length;
    return {
      rule: this.#rule,
      meetsSlo: clauses.every((clause) => clause.overFraction <= clause.limitFraction),
      clauses,
      minutesWithinFraction: this.#minutes.length === 0 ? 1 : within / this.#minutes.length,
      replicaHours: replicaSeconds / SECONDS_PER_HOUR,
      replicasMax: most,
      flapCount: flapsIn(this.#changes),
      minutes: this.#minutes,
    };
  }
}

/** Keeps the noise apart from every stream of a run. */
const NOISE_SEGMENT = 2 ** 32 - 2;

function flapsIn(changes: readonly { readonly atS: number; readonly by: number }[]): number {
  return changes.filter((change, place) => {
    const before = changes[place - 1];
    return (
      before !== undefined &&
      Math.sign(before.by) !== Math.sign(change.by) &&
      change.atS - before.atS <= FLAP_S
    );
  }).length;
}

/** What perfect foresight without any headroom would have paid for. */
export function leastReplicaHours(forecast: Forecast, sustainedPerSecond: number): number {
  const cursor = { place: 0 };
  let seconds = 0;
  for (let atS = 0; atS < forecast.durationS; atS += 1)
    seconds += Math.max(1, Math.ceil(rateAt(forecast, atS, cursor) / sustainedPerSecond));
  return seconds / SECONDS_PER_HOUR;
}
