import { bracketOf, halfWidthOf, type BisectState, type Probe } from "./bisect-state.ts";
import { solveLinear } from "./glm.ts";
import { ceilingOf, probesNear } from "./next-rate.ts";
import type { Decision, MaxRate, SearchOptions } from "./procedure.ts";

/**
 * How ln(fraction over) rises with ln(rate) near the limit: 12 to 35 in queues and batching servers.
 * A prior, which two or three probes with a fitted tail correct.
 */
const SLOPE = 20;
const SLOPE_SD = 10;
/** Added to a fitted tail's standard error: the model's own. */
const MODEL_SD = 0.2;
const NEAR_FRACTION = 0.12;

/** What the search says with the probes it has. */
export function answerOf(options: SearchOptions, state: BisectState): Decision {
  const { low, high } = bracketOf(state.probes);
  if (low === undefined) return withoutPass(state, high);
  const answer = high === undefined ? atLeast(options, state, low) : between(options, state);
  return answer === undefined ? withoutPass(state, high) : { kind: "found", answer };
}

function withoutPass(state: BisectState, high: Probe | undefined): Decision {
  if (state.generatorCeilingPerSecond !== null && high === undefined) {
    return {
      kind: "inconclusive",
      reason: `the load generator could not hold ${shown(state.generatorCeilingPerSecond)} requests/s, and no lower rate was shown to meet the SLO`,
    };
  }
  const tried = state.probes.map(({ ratePerSecond }) => ratePerSecond);
  const failing =
    high === undefined ? "" : `${shown(high.ratePerSecond)} requests/s violates ${high.boundBy}; `;
  const lowest = tried.length === 0 ? "" : `, down to ${shown(Math.min(...tried))} requests/s`;
  return {
    kind: "inconclusive",
    reason: `${failing}within the time budget no rate was shown to meet the SLO${lowest}`,
  };
}

function between(options: SearchOptions, state: BisectState): MaxRate | undefined {
  const { low, high } = bracketOf(state.probes);
  if (low === undefined || high === undefined) return undefined;
  const ratePerSecond = pointOf(state.probes, low.ratePerSecond, high.ratePerSecond);
  const halfWidth = halfWidthOf(state.probes);
  const wide = halfWidth > options.precisionFraction;
  return {
    ratePerSecond,
    lowPerSecond: low.ratePerSecond,
    highPerSecond: high.ratePerSecond,
    confidence: options.confidence,
    method: "bisect",
    boundBy: high.boundBy,
    limitedBy: "server",
    evidence: evidenceOf(state.probes, ratePerSecond),
    notes: [
      ...state.notes,
      ...(wide
        ? [
            `the interval is ±${Math.round(100 * halfWidth)} %, wider than the ±${Math.round(100 * options.precisionFraction)} % asked for: more time would narrow it`,
          ]
        : []),
    ],
  };
}

function atLeast(options: SearchOptions, state: BisectState, low: Probe): MaxRate {
  const ceiling = ceilingOf(options, state);
  const byGenerator =
    state.generatorCeilingPerSecond !== null && ceiling === state.generatorCeilingPerSecond;
  const byMaxRate = !byGenerator && Number.isFinite(ceiling);
  const limitedBy = byGenerator ? "generator" : byMaxRate ? "max-rate" : "budget";
  const undecided = byMaxRate && low.ratePerSecond < ceiling;
  return {
    ratePerSecond: low.ratePerSecond,
    lowPerSecond: low.ratePerSecond,
    highPerSecond: undefined,
    confidence: options.confidence,
    method: "bisect",
    boundBy: undefined,
    limitedBy,
    evidence: evidenceOf(state.probes, low.ratePerSecond),
    notes: [
      ...state.notes,
      ...(byGenerator ? [`the load generator could not hold ${shown(ceiling)} requests/s`] : []),
      ...(undecided
        ? [`no rate up to ${shown(ceiling)} requests/s was seen to violate the SLO`]
        : []),
    ],
  };
}

/**
 * The point inside [low, high]: where ln(fraction over ÷ allowed), a straight line in ln(rate) through the probes'
 * fitted tails (weighted by their errors, slope with a prior), reaches 0. The geometric middle without such a tail.
 */
export function pointOf(probes: readonly Probe[], low: number, high: number): number {
  const middle = Math.sqrt(low * high);
  let information = [
    [1e-9, 0],
    [0, 1 / SLOPE_SD ** 2],
  ];
  let gradient = [0, SLOPE / SLOPE_SD ** 2];
  let used = 0;
  for (const { ratePerSecond, logExcess, standardError } of probes) {
    if (logExcess === null || standardError === null) continue;
    used++;
    const weight = 1 / (standardError ** 2 + MODEL_SD ** 2);
    const x = [1, Math.log(ratePerSecond / middle)];
    information = information.map((row, i) =>
      row.map((value, j) => value + weight * (x[i] ?? 0) * (x[j] ?? 0)),
    );
    gradient = gradient.map((value, i) => value + weight * (x[i] ?? 0) * logExcess);
  }
  const [intercept, slope] = used === 0 ? [0, SLOPE] : solveLinear(information, gradient);
  const root = middle * Math.exp(-(intercept ?? 0) / Math.max(3, slope ?? SLOPE));
  return Math.max(low, Math.min(high, root));
}

function evidenceOf(probes: readonly Probe[], ratePerSecond: number): MaxRate["evidence"] {
  const near = probesNear(probes, ratePerSecond, NEAR_FRACTION);
  return {
    requestsNear: near.reduce((sum, { requests }) => sum + Math.round(requests), 0),
    overCount: near.reduce((sum, { overCount }) => sum + overCount, 0),
    clumpFactor: Math.max(1, ...near.map(({ clumpFactor }) => clumpFactor)),
  };
}

/** A rate as a sentence has it: three significant digits. */
export function shown(ratePerSecond: number): string {
  return Number(ratePerSecond.toPrecision(3)).toString();
}
