import { ExitCode, LoadError } from "../../shared/errors.ts";
import type { Verdict } from "../../shared/slo/slo.ts";
import { type Cost, costAt } from "../size/cost.ts";
import type { Hardware } from "../size/price.ts";
import { type Contender, type Trait, tokensPerRequest, windowNear } from "./contender.ts";
import { type EqualRate, equalRates, latencyAt, tradeOffRate } from "./equal-rates.ts";
import { type Gate, judgeGate, NO_LESS, worstVerdict } from "./gate.ts";
import { declaredDifferences, type Difference } from "./likeness.ts";
import { type Quality, type Recovery, recoveryOf } from "./quality.ts";
import { minimumDetectableRatio, type Ratio, ratioOf } from "./ratio.ts";
import { dominatorOf } from "./trade-off.ts";

export interface ComparisonOptions {
  readonly loadline: string;
  readonly baseline: Contender;
  readonly candidates: readonly Contender[];
  /** Empty: that a candidate carries no less. */
  readonly gates: readonly Gate[];
  readonly treatments: readonly Trait[];
  readonly hardwareOf: (name: string) => Hardware;
  readonly qualityOf: (name: string) => Quality | undefined;
}

/** A comparison as `--json` prints it, schema "loadline/comparison@1": plain JSON. Times in ms, rates per second. */
export interface Comparison {
  readonly schema: "loadline/comparison@1";
  readonly loadline: string;
  /** Of all gates of all candidates; null where no run searched a maximum rate. */
  readonly verdict: Verdict | null;
  readonly exitCode: ExitCode;
  /** Of each ratio's interval; null where there is none. */
  readonly confidence: number | null;
  readonly treatments: readonly Trait[];
  readonly differences: readonly Difference[];
  readonly runs: readonly RunView[];
  readonly ratios: readonly RatioView[];
  readonly equalRates: readonly EqualRate[];
  readonly tradeOff: TradeOffView;
  readonly warnings: readonly string[];
}

/** One run; the first is the baseline. */
export interface RunView {
  readonly name: string;
  readonly origin: string;
  readonly source: string;
  readonly model: string;
  readonly maxRate: {
    readonly requestsPerSecond: number;
    readonly low: number;
    readonly high: number | null;
  } | null;
  /** Why there is no maximum rate; empty where there is one. */
  readonly noRateReason: string;
  readonly saturationPerSecond: number | null;
  readonly gpus: number;
  readonly pricePerHour: number | null;
  readonly currency: string;
  /** At the maximum rate; null without one, without a price or without token counts. */
  readonly cost: Cost | null;
  readonly outputTokensPerSecond: number | null;
  readonly outputTokensPerSecondPerGpu: number | null;
  /** The median user's, in the window nearest to the maximum rate. */
  readonly outputTokensPerSecondPerUser: number | null;
  readonly quality: Quality | null;
  readonly recovery: Recovery | null;
}

/** A candidate against the baseline. */
export interface RatioView {
  readonly name: string;
  /** null where one of the two has no maximum rate. */
  readonly ratio: Ratio | null;
  /** See `minimumDetectableRatio`; null where the interval is open. */
  readonly minimumDetectableRatio: number | null;
  readonly verdict: Verdict;
  readonly gates: readonly {
    readonly text: string;
    readonly ratioMin: number;
    readonly verdict: Verdict;
  }[];
  /** Empty where the interval says it all. */
  readonly reason: string;
}

export interface TradeOffView {
  /** The rate of `latencyP95Ms`. */
  readonly requestsPerSecond: number;
  readonly metric: Contender["leadMetric"];
  readonly rows: readonly {
    readonly name: string;
    readonly quality: number | null;
    readonly latencyP95Ms: number | null;
    readonly costPerMillionOutputTokens: number | null;
    /** Who is better in one of the three, and in none worse; null: nobody. */
    readonly dominatedBy: string | null;
  }[];
}

/**
 * Compares the candidates with the baseline.
 *
 * @throws LoadError LL_COMPARE_UNLIKE, LL_NO_MAX_RATE.
 */
export function compare(options: ComparisonOptions): Comparison {
  const { baseline, candidates, treatments } = options;
  const differences = declaredDifferences({ baseline, candidates }, treatments);
  const all = [baseline, ...candidates];
  const searched = all.some(({ maxRate, isHopeless }) => maxRate !== undefined || isHopeless);
  if (searched || options.gates.length > 0) requireRate(baseline, options.gates);
  const ratios = searched ? candidates.map((candidate) => ratioView(candidate, options)) : [];
  const verdict = searched ? worstVerdict(ratios.map((each) => each.verdict)) : null;
  const runs = all.map((run) => runView(run, options));
  return {
    schema: "loadline/comparison@1",
    loadline: options.loadline,
    verdict,
    exitCode: verdict === null ? ExitCode.Done : EXIT_CODES[verdict],
    confidence: searched ? (baseline.maxRate?.confidence ?? null) : null,
    treatments,
    differences,
    runs,
    ratios,
    equalRates: equalRates(all),
    tradeOff: tradeOffOf(all, runs),
    warnings: all.flatMap(({ name, warnings }) => warnings.map((text) => `${name}: ${text}`)),
  };
}

/** What a comparison ends with. */
export const EXIT_CODES: Readonly<Record<Verdict, ExitCode>> = {
  met: ExitCode.Done,
  violated: ExitCode.GateFailed,
  undecided: ExitCode.Inconclusive,
};

function requireRate(baseline: Contender, gates: readonly Gate[]): void {
  if (baseline.maxRate !== undefined) return;
  const asked =
    gates.length > 0 ? "a gate is to be judged" : "ratios of maximum rates are asked for";
  throw new LoadError(
    `${asked}, and the baseline ${baseline.name} has no maximum rate: ${baseline.noRateReason}`,
    {
      code: "LL_NO_MAX_RATE",
      hint: "give a run of `loadline find` that found its rate as the baseline",
      exitCode: ExitCode.PlanInvalid,
    },
  );
}

function ratioView(candidate: Contender, { baseline, gates: asked }: ComparisonOptions): RatioView {
  const gates = asked.length > 0 ? asked : [NO_LESS];
  const ratio = ratioIfAny(candidate, baseline);
  // A candidate that no rate suits carries nothing; one whose search found nothing may carry anything.
  const without: Verdict = candidate.isHopeless ? "violated" : "undecided";
  const judged = gates.map((gate) => ({
    ...gate,
    verdict: ratio === undefined ? without : judgeGate(gate, ratio),
  }));
  return {
    name: candidate.name,
    ratio: ratio ?? null,
    minimumDetectableRatio:
      ratio === undefined
        ? null
        : (minimumDetectableRatio(ratio, baseline.maxRate?.confidence ?? 0.95) ?? null),
    verdict: worstVerdict(judged.map(({ verdict }) => verdict)),
    gates: judged,
    reason: ratio === undefined ? candidate.noRateReason : "",
  };
}

function ratioIfAny(candidate: Contender, baseline: Contender): Ratio | undefined {
  if (candidate.maxRate === undefined || baseline.maxRate === undefined) return undefined;
  requireSameConfidence(candidate, baseline);
  return ratioOf(candidate.maxRate, baseline.maxRate);
}

function requireSameConfidence(candidate: Contender, baseline: Contender): void {
  const [ours, theirs] = [baseline.maxRate?.confidence, candidate.maxRate?.confidence];
  if (ours === theirs) return;
  throw new LoadError(
    `the runs are to be compared, and the interval of ${baseline.name} has confidence ${ours ?? 0}, that of ${candidate.name} ${theirs ?? 0}`,
    {
      code: "LL_COMPARE_UNLIKE",
      hint: "measure both with the same --confidence",
      exitCode: ExitCode.PlanInvalid,
    },
  );
}

function runView(run: Contender, options: ComparisonOptions): RunView {
  const { gpus, pricePerHour, currency } = options.hardwareOf(run.name);
  const { maxRate } = run;
  const rate = maxRate?.value;
  const outputTokensPerRequest = tokensPerRequest(run, "outputTokensPerRequest");
  const tokensPerSecond =
    rate === undefined || outputTokensPerRequest === null ? null : rate * outputTokensPerRequest;
  return {
    name: run.name,
    origin: run.origin,
    source: run.source,
    model: run.model,
    maxRate:
      maxRate === undefined
        ? null
        : { requestsPerSecond: maxRate.value, low: maxRate.low, high: maxRate.high },
    noRateReason: run.noRateReason,
    saturationPerSecond: run.saturationPerSecond,
    gpus,
    pricePerHour,
    currency,
    cost: pricePerHour === null ? null : costAtMaxRate(run, pricePerHour),
    outputTokensPerSecond: tokensPerSecond,
    outputTokensPerSecondPerGpu: tokensPerSecond === null ? null : tokensPerSecond / gpus,
    outputTokensPerSecondPerUser:
      rate === undefined ? null : (windowNear(run, rate)?.outputTokensPerSecondPerUser ?? null),
    ...qualityView(run, options),
  };
}

function costAtMaxRate(run: Contender, pricePerHour: number): Cost | null {
  if (run.maxRate === undefined) return null;
  return costAt(pricePerHour, {
    requestsPerSecond: run.maxRate.value,
    inputTokensPerRequest: tokensPerRequest(run, "inputTokensPerRequest"),
    outputTokensPerRequest: tokensPerRequest(run, "outputTokensPerRequest"),
  });
}

function qualityView(
  run: Contender,
  { baseline, qualityOf }: ComparisonOptions,
): Pick<RunView, "quality" | "recovery"> {
  const quality = qualityOf(run.name);
  const reference = qualityOf(baseline.name);
  if (quality === undefined) return { quality: null, recovery: null };
  const comparable = reference !== undefined && run !== baseline;
  return {
    quality,
    recovery: comparable ? (recoveryOf(quality, reference) ?? null) : null,
  };
}

function tradeOffOf(all: readonly Contender[], runs: readonly RunView[]): TradeOffView {
  const ratePerSecond = tradeOffRate(all);
  const metric = all[0]?.leadMetric ?? "ttft";
  const rows = all.map((run, index) => ({
    name: run.name,
    quality: runs[index]?.quality?.value ?? null,
    latencyMs: latencyAt(run, ratePerSecond)?.[`${metric}Ms`].p95 ?? null,
    cost: runs[index]?.cost?.perMillionOutputTokens ?? null,
  }));
  return {
    requestsPerSecond: ratePerSecond,
    metric,
    rows: rows.map((row) => ({
      name: row.name,
      quality: row.quality,
      latencyP95Ms: row.latencyMs,
      costPerMillionOutputTokens: row.cost,
      dominatedBy: dominatorOf(row, rows) ?? null,
    })),
  };
}
