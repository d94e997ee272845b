import { type ClauseEstimate, type FitInput, focusOf, withoutFocus } from "./clause-estimate.ts";
import { correctDirectly, type RatePosterior } from "./direct-correction.ts";
import { effectiveCounts, fitInterToken, interTokenAt, interTokenRoot } from "./inter-token.ts";
import { jackknifeVariance } from "./jackknife.ts";
import type { ClauseModel } from "./models.ts";

/** Error of the form itself, in ln(rate). */
const STRUCTURAL_LOG_SD = 0.045;
/** Until a jackknife has blocks to work on. */
const FEW_BLOCKS_LOG_SD = 0.12;
/** The most that a jackknife of a few blocks is believed. */
const SPREAD_LOG_SD_MAX = 0.15;
const LOG_REACH = 0.45;
const JACKKNIFE_BLOCKS_MIN = 3;
/**
 * Independent observations in a time in system. How busy a batching server is, is an M/G/∞ occupancy, whose correlation
 * adds up to E[S] (1 + cv²) / 2: a time in system is worth 1 / (1 + cv²), 1 for requests of one length. The interval
 * takes that. The answer itself has the smaller error where the counts weigh twice as much against the fit's form.
 */
const PER_RESIDENCE = { interval: 1, answer: 2 } as const;
const EFFECTIVE_DISPERSION = 15;

/** The root of the inter-token fit, corrected by the effective counts over the limit itself. */
export function estimateInterToken(model: ClauseModel, input: FitInput): ClauseEstimate {
  const { blocks, anchor, tail } = input;
  const { allowedFraction } = model;
  const fit = fitInterToken(model, blocks, anchor);
  const root = interTokenRoot(fit, allowedFraction);
  const isFew = focusOf(blocks).length < JACKKNIFE_BLOCKS_MIN || !input.thorough;
  const slope = (fit.slope * root) / anchor.ratePerSecond;
  const prior = {
    ratePerSecond: root,
    logSd: isFew ? FEW_BLOCKS_LOG_SD : Math.min(SPREAD_LOG_SD_MAX, spread(model, input, root)),
    slope,
    rateMaxPerSecond: Infinity,
    logReach: LOG_REACH,
  };
  const corrected = (perResidence: number): RatePosterior =>
    correctDirectly(
      prior,
      focusOf(blocks).flatMap((block) => effectiveCounts(model, block, perResidence)),
      { allowedFraction, tail },
    );
  const { ratePerSecond } = corrected(PER_RESIDENCE.answer);
  const interval = corrected(PER_RESIDENCE.interval);
  const about = ratePerSecond / interval.ratePerSecond;
  return {
    model,
    ratePerSecond,
    lowPerSecond: interval.lowPerSecond * about,
    highPerSecond: interval.highPerSecond * about,
    slope,
    clumpFactor: EFFECTIVE_DISPERSION,
    floor: 0,
    overAt: (rate) => interTokenAt(fit, (rate * root) / ratePerSecond),
  };
}

function spread(model: ClauseModel, { blocks, anchor }: FitInput, ratePerSecond: number): number {
  const rootWith = (some: FitInput["blocks"], at: FitInput["anchor"]): number =>
    Math.log(interTokenRoot(fitInterToken(model, some, at), model.allowedFraction));
  const logRate = Math.log(ratePerSecond);
  const count = focusOf(blocks).length;
  const between = jackknifeVariance(logRate, count, (i) =>
    rootWith(withoutFocus(blocks, i), anchor),
  );
  // A variance of few blocks is itself unsure: Student's distribution is wider than the normal one by this.
  const byFewness = (count - 1) / Math.max(0.5, count - 3);
  const shifted = { ...anchor, ratePerSecond: anchor.ratePerSecond * (1 + anchor.relativeSd) };
  const byAnchor = rootWith(blocks, shifted) - logRate;
  return Math.sqrt(between * byFewness + byAnchor ** 2 + STRUCTURAL_LOG_SD ** 2);
}
