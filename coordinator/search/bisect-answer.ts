import { bracketOf, halfWidthOf, type BisectState, type Probe } from "./bisect-state.ts";
import { ceilingOf, isGeneratorBeaten } from "./next-rate.ts";
import { precisionNotes } from "./precision-note.ts";
import { beliefOf } from "./rate-belief.ts";
import type { Decision, MaxRate, SearchOptions } from "./procedure.ts";

const NEAR_FRACTION = 0.12;

/** What the search says with the probes it has. */
export function answerOf(options: SearchOptions, state: BisectState): Decision {
  const { low, high } = bracketOf(state.probes);
  if (low === undefined) return withoutPass(options, state);
  const answer = high === undefined ? atLeast(options, state, low) : between(options, state);
  return answer === undefined ? withoutPass(options, state) : { kind: "found", answer };
}

function withoutPass(options: SearchOptions, state: BisectState): Decision {
  const { high } = bracketOf(state.probes);
  const { generatorCeilingPerSecond } = state;
  if (
    generatorCeilingPerSecond !== null &&
    isGeneratorBeaten(options, state) &&
    high === undefined
  ) {
    return {
      kind: "inconclusive",
      reason: `the load generator could not hold ${shown(generatorCeilingPerSecond)} requests/s, and no lower rate was shown to meet the SLO`,
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
  const ratePerSecond = beliefOf(state).ratePerSecond;
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
      ...precisionNotes(halfWidthOf(state.probes), options.precisionFraction),
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
      ...(byGenerator ? [generatorNote(options, state, ceiling)] : []),
      ...(undecided
        ? [`no rate up to ${shown(ceiling)} requests/s was seen to violate the SLO`]
        : []),
    ],
  };
}

function generatorNote(options: SearchOptions, state: BisectState, ceiling: number): string {
  return isGeneratorBeaten(options, state)
    ? `the load generator could not hold ${shown(ceiling)} requests/s`
    : `the agents carry about ${shown(ceiling)} requests/s of this load, by their self-calibration: use more agents, or go on with --beyond-clean-rate`;
}

function evidenceOf(probes: readonly Probe[], ratePerSecond: number): MaxRate["evidence"] {
  const near = probes.filter(
    (probe) => Math.abs(probe.ratePerSecond / ratePerSecond - 1) <= NEAR_FRACTION,
  );
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
