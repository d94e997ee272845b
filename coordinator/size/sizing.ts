import { ExitCode, LoadError } from "../../shared/errors.ts";
import { type Contender, tokensPerRequest } from "../compare/contender.ts";
import { type Cost, costAt } from "./cost.ts";
import { kvView, type KvCache, type KvView } from "./kv-view.ts";
import type { Hardware } from "./price.ts";
import {
  bindingOf,
  type Constraint,
  constraintsOf,
  type PlannedLoad,
  type Redundancy,
  type ReplicaCapacity,
  withRedundancy,
} from "./replicas.ts";

export interface SizingOptions {
  readonly loadline: string;
  /** A search that found its rate; one replica carried it. */
  readonly run: Contender;
  /** Where latency turns, requests/s; null where it was not found. */
  readonly kneePerSecond: number | null;
  /** One, or the steps of a forecast. */
  readonly loads: readonly (PlannedLoad & { readonly time: string | null })[];
  /** Between two steps, s; null for a peak alone. */
  readonly stepS: number | null;
  /** What part of a replica's capacity is planned with, and in words where it is from. */
  readonly plannedPart: number;
  readonly plannedWhy: string;
  readonly redundancy: Redundancy;
  readonly hardware: Hardware;
  readonly kv: KvCache | undefined;
}

/** A sizing as `--json` prints it, schema "loadline/sizing@1": plain JSON. Rates per second, prices an hour. */
export interface Sizing {
  readonly schema: "loadline/sizing@1";
  readonly loadline: string;
  readonly run: {
    readonly name: string;
    readonly source: string;
    readonly model: string;
    readonly requestsPerSecond: number;
    /** The low end of its interval: what is planned with. */
    readonly low: number;
    readonly confidence: number;
    readonly inputTokensPerRequest: number | null;
    readonly outputTokensPerRequest: number | null;
  };
  readonly plannedPart: number;
  readonly plannedWhy: string;
  readonly redundancy: Redundancy;
  readonly peak: StepView & { readonly constraints: readonly Constraint[] };
  readonly forecast: ForecastView | null;
  readonly cost: CostView | null;
  readonly whatIf: readonly WhatIf[];
  readonly kv: KvView | null;
  readonly warnings: readonly string[];
}

/** How a load is carried. */
export interface StepView {
  readonly time: string | null;
  readonly requestsPerSecond: number;
  /** Replicas that carry it, and those that are run so that they are left after a loss. */
  readonly neededReplicas: number;
  readonly replicas: number;
  readonly boundBy: Constraint["kind"];
}

export interface ForecastView {
  readonly stepS: number;
  readonly steps: readonly StepView[];
  /** Replicas that follow the forecast, and as many as its peak takes all the time; summed over its hours. */
  readonly replicaHours: number;
  readonly replicaHoursAtPeak: number;
  readonly requests: number;
}

export interface CostView {
  readonly currency: string;
  readonly pricePerHour: number;
  readonly gpus: number;
  /** One replica at its maximum rate. */
  readonly atSlo: Cost;
  /** All replicas at the peak that is planned for. */
  readonly atPeak: Cost & { readonly pricePerHour: number };
  /** Over the whole forecast, following it and at its peak throughout; null without one. */
  readonly forecast: { readonly following: number; readonly atPeak: number } | null;
}

/** The same peak with another headroom, at several prices. */
export interface WhatIf {
  readonly plannedPart: number;
  readonly isPlanned: boolean;
  readonly replicas: number;
  /** Of what the replicas carry together, the part that the peak takes. */
  readonly utilisation: number;
  /** For each of `PRICE_FACTORS`; null without a price. */
  readonly pricesPerHour: readonly (number | null)[];
}

/** Price cuts and rises that are tried: spot, a discount, as given, a rise. */
export const PRICE_FACTORS = [0.5, 0.75, 1, 1.25] as const;
const PLANNED_PARTS = [1, 0.9, 0.8, 0.7, 0.5] as const;

const SECONDS_PER_HOUR = 3_600;

/**
 * How many replicas a load takes, and what they cost.
 *
 * @throws LoadError LL_NO_MAX_RATE where the run has none.
 */
export function size(options: SizingOptions): Sizing {
  const { run, plannedPart, hardware } = options;
  const maxRate = maxRateOf(run);
  const capacity = capacityOf(run, maxRate.low);
  const steps = options.loads.map((load) => stepView(load, { capacity, options }));
  const peakIndex = steps.reduce(
    (best, step, index) => (step.replicas > (steps[best]?.replicas ?? 0) ? index : best),
    0,
  );
  const load = options.loads[peakIndex];
  const peak = steps[peakIndex];
  if (load === undefined || peak === undefined) throw new RangeError("a sizing has a load");
  const constraints = constraintsOf(load, { perReplica: capacity, part: plannedPart });
  const forecast = options.stepS === null ? null : forecastView(steps, options.stepS);
  return {
    schema: "loadline/sizing@1",
    loadline: options.loadline,
    run: {
      name: run.name,
      source: run.source,
      model: run.model,
      requestsPerSecond: maxRate.value,
      low: maxRate.low,
      confidence: maxRate.confidence,
      inputTokensPerRequest: tokensPerRequest(run, "inputTokensPerRequest"),
      outputTokensPerRequest: tokensPerRequest(run, "outputTokensPerRequest"),
    },
    plannedPart,
    plannedWhy: options.plannedWhy,
    redundancy: options.redundancy,
    peak: { ...peak, constraints },
    forecast,
    cost: costView(options, { load, replicas: peak.replicas, forecast }),
    whatIf: whatIfs(load, { capacity, options }),
    kv:
      options.kv === undefined
        ? null
        : kvView(options.kv, { run, kneePerSecond: options.kneePerSecond, gpus: hardware.gpus }),
    warnings: run.warnings,
  };
}

function maxRateOf(run: Contender): NonNullable<Contender["maxRate"]> {
  if (run.maxRate !== undefined) return run.maxRate;
  throw new LoadError(
    `replicas are to be counted by ${run.source}, which has no maximum rate: ${run.noRateReason}`,
    {
      code: "LL_NO_MAX_RATE",
      hint: "give a run of `loadline find` that found its rate",
      exitCode: ExitCode.PlanInvalid,
    },
  );
}

/** Within the SLO, at the measured mix. */
function capacityOf(run: Contender, ratePerSecond: number): ReplicaCapacity {
  const perSecond = (tokens: number | null): number | null =>
    tokens === null ? null : tokens * ratePerSecond;
  return {
    requestsPerSecond: ratePerSecond,
    promptTokensPerSecond: perSecond(tokensPerRequest(run, "inputTokensPerRequest")),
    outputTokensPerSecond: perSecond(tokensPerRequest(run, "outputTokensPerRequest")),
  };
}

interface SizingContext {
  readonly capacity: ReplicaCapacity;
  readonly options: SizingOptions;
}

function stepView(
  load: SizingOptions["loads"][number],
  { capacity, options }: SizingContext,
): StepView {
  const { plannedPart: part, redundancy } = options;
  const { replicas: needed, kind } = bindingOf(constraintsOf(load, { perReplica: capacity, part }));
  return {
    time: load.time,
    requestsPerSecond: load.requestsPerSecond,
    neededReplicas: needed,
    replicas: withRedundancy(needed, redundancy),
    boundBy: kind,
  };
}

function forecastView(steps: readonly StepView[], stepS: number): ForecastView {
  const hours = stepS / SECONDS_PER_HOUR;
  const most = Math.max(...steps.map(({ replicas }) => replicas));
  return {
    stepS,
    steps,
    replicaHours: steps.reduce((sum, { replicas }) => sum + replicas, 0) * hours,
    replicaHoursAtPeak: most * steps.length * hours,
    requests: steps.reduce((sum, step) => sum + step.requestsPerSecond, 0) * stepS,
  };
}

function costView(
  { run, hardware }: SizingOptions,
  peak: {
    readonly load: PlannedLoad;
    readonly replicas: number;
    readonly forecast: ForecastView | null;
  },
): CostView | null {
  const { pricePerHour, currency, gpus } = hardware;
  const { load, replicas, forecast } = peak;
  if (pricePerHour === null || load.requestsPerSecond <= 0) return null;
  const measured = {
    inputTokensPerRequest: tokensPerRequest(run, "inputTokensPerRequest"),
    outputTokensPerRequest: tokensPerRequest(run, "outputTokensPerRequest"),
  };
  const planned = (perSecond: number | null, otherwise: number | null): number | null =>
    perSecond === null ? otherwise : perSecond / load.requestsPerSecond;
  return {
    currency,
    pricePerHour,
    gpus,
    atSlo: costAt(pricePerHour, { requestsPerSecond: maxRateOf(run).value, ...measured }),
    atPeak: {
      pricePerHour: pricePerHour * replicas,
      ...costAt(pricePerHour * replicas, {
        requestsPerSecond: load.requestsPerSecond,
        inputTokensPerRequest: planned(load.promptTokensPerSecond, measured.inputTokensPerRequest),
        outputTokensPerRequest: planned(
          load.outputTokensPerSecond,
          measured.outputTokensPerRequest,
        ),
      }),
    },
    forecast:
      forecast === null
        ? null
        : {
            following: forecast.replicaHours * pricePerHour,
            atPeak: forecast.replicaHoursAtPeak * pricePerHour,
          },
  };
}

function whatIfs(load: PlannedLoad, { capacity, options }: SizingContext): readonly WhatIf[] {
  const { plannedPart, redundancy, hardware } = options;
  const parts = [...new Set([plannedPart, ...PLANNED_PARTS])].sort((a, b) => b - a);
  return parts.map((part) => {
    const binding = bindingOf(constraintsOf(load, { perReplica: capacity, part }));
    const replicas = withRedundancy(binding.replicas, redundancy);
    return {
      plannedPart: part,
      isPlanned: part === plannedPart,
      replicas,
      utilisation: replicas === 0 ? 0 : binding.needed / (replicas * binding.perReplica),
      pricesPerHour: PRICE_FACTORS.map((factor) =>
        hardware.pricePerHour === null ? null : hardware.pricePerHour * factor * replicas,
      ),
    };
  });
}
