import { countsOf, judgeCounted, longestLimitS } from "../one-rate-verdict.ts";
import { errorBurstOf } from "../overload.ts";
import type { JudgedSegment } from "../procedure.ts";
import { raisedAnchor, RAISES_MAX } from "./anchor.ts";
import { finish } from "./answer.ts";
import { overFractionAt } from "./block.ts";
import { focusOf } from "./clause-estimate.ts";
import { estimateNow, estimateOf } from "./current-estimate.ts";
import { deadReason } from "./dead.ts";
import { halfWidthOf } from "./estimate.ts";
import { focusNext } from "./focus-next.ts";
import { changed, endWith, goOn, type Move, type TailStep, withBlock } from "./move.ts";
import { drain } from "./requests.ts";
import { timeLeftS } from "./timing.ts";
import { onVoid } from "./void.ts";

/** A block is cut short once more are over than 20 and 0.35 of all that were planned. */
const CUT_OVER_MIN = 20;
const CUT_FRACTION = 0.35;
/** More than this part over: the backlog of such a block would spoil the next one. */
const HOT_FRACTION = 0.3;
const BLOCKS_MIN = 6;
/** Asked for before the block ends, but not before this part of it is seen. */
const SEEN_FRACTION_MIN = 0.4;
const VOID_AFTER_S = 5;
const CLEAN_BLOCKS = 2;
const CLEAN_FROM_PART = 0.95;
const REFUTING_PART = 0.985;
const CLEAN_LOW_THRESHOLD = 0.3;
const CLEAN_LOW_FRACTION = 0.2;

/** A block of constant rate; the next one is asked for so that the load goes on between them. */
export function onFocus(move: Move): TailStep {
  const { state, observation } = move;
  const { recordS } = observation.request;
  const isCut = isHopeless(move);
  const askAtS = Math.max(SEEN_FRACTION_MIN * recordS, recordS - state.latencyS);
  if (observation.validity === "invalid") {
    return observation.recordedS >= Math.min(VOID_AFTER_S, askAtS) ? onVoid(move) : goOn(move);
  }
  if (state.isLast) return onLast(move, isCut);
  if (!isCut && observation.recordedS < askAtS - 1e-6) return goOn(move);
  const burst = errorBurstOf(observation.seconds);
  if (burst !== undefined && isNewlyDead(move)) {
    return endWith(move, { kind: "inconclusive", reason: `${deadReason(move)} (${burst})` });
  }
  return onBlock(changed(move, { voids: 0 }));
}

/** The last block is waited for until its youngest requests are decided. */
function onLast(move: Move, isCut: boolean): TailStep {
  const { options, state, observation } = move;
  const { settleS, recordS } = observation.request;
  const decidedAtS = settleS + recordS + longestLimitS(options.slo);
  const isDue =
    observation.observedS >= decidedAtS - 1e-6 ||
    timeLeftS(options, state, observation.elapsedS) <= -longestLimitS(options.slo);
  if (!isCut && !isDue) return goOn(move);
  const ended = { ...move, state: withBlock(move, observation, "focus") };
  return finish(ended, judgedOf(move));
}

function onBlock(move: Move): TailStep {
  const { options } = move;
  const counted = estimateNow({ ...move, state: withBlock(move, move.observation, "focus") });
  const tested = estimateNow(withTestedAnchor(counted));
  const judged = judgedOf(move);
  if (focusOf(tested.state.blocks).length >= BLOCKS_MIN) {
    if (halfWidthOf(estimateOf(tested, true)) <= options.precisionFraction) {
      return finish(tested, judged);
    }
  }
  if (isHot(tested)) return drain(tested, "after-hot-block", judged);
  const step = focusNext(tested, judged);
  // Nothing comes after this block: it goes on, and is counted once it is over.
  return step.decision.kind === "go-on"
    ? goOn(changed(move, { isLast: true, anchor: tested.state.anchor }))
    : step;
}

function judgedOf({ options, observation }: Move): JudgedSegment {
  const counts = countsOf(options.slo, options.thresholds, observation);
  const { verdict, reason } = judgeCounted(counts, true);
  return { segment: observation.segment, verdict, reason };
}

/** Whether so many are over already that the rest of the block would only make the backlog longer. */
function isHopeless({ options, observation }: Move): boolean {
  const part = observation.recordedS / Math.max(observation.request.recordS, 1e-3);
  return countsOf(options.slo, options.thresholds, observation).some(
    ({ tally, limitIndex, hasTail }) => {
      const planned = (tally.decided[limitIndex] ?? 0) / Math.max(part, 1e-3);
      return hasTail && (tally.over[limitIndex] ?? 0) > CUT_OVER_MIN + CUT_FRACTION * planned;
    },
  );
}

function isHot({ models, state }: Move): boolean {
  const block = state.blocks.at(-1);
  return models.some(
    ({ kind, index, limitIndex }) =>
      kind !== "counts" && overFractionAt(block?.clauses[index], limitIndex) > HOT_FRACTION,
  );
}

/** Errors where the ramp had passed a rate at least as high: overload has killed the target. */
function isNewlyDead({ state, observation }: Move): boolean {
  const passed = state.blocks.some(
    ({ kind, ratePerSecond, firstTokensPerSecond }) =>
      kind === "ramp" && ratePerSecond > 0.5 * state.ratePerSecond && firstTokensPerSecond > 0,
  );
  const ok = observation.seconds.reduce((sum, { completedOk }) => sum + completedOk, 0);
  const ended = observation.seconds.reduce((sum, { completed }) => sum + completed, 0);
  return passed && ok < 0.1 * ended;
}

/** Two clean blocks in a row close to λ_s refute it: it is raised, and flagged by its count. */
function withTestedAnchor(move: Move): Move {
  const { models, state } = move;
  const { anchor, estimatePerSecond } = state;
  if (anchor === null || anchor.isAtLeast || anchor.raised >= RAISES_MAX) return move;
  const block = state.blocks.at(-1);
  const nearSaturation =
    state.ratePerSecond > CLEAN_FROM_PART * anchor.ratePerSecond &&
    (estimatePerSecond ?? 0) > REFUTING_PART * anchor.ratePerSecond;
  const isClean = models.every((model) => {
    const counts = block?.clauses[model.index];
    const low = model.thresholds.findIndex((u) => u >= CLEAN_LOW_THRESHOLD - 1e-9);
    const body = model.kind === "surface" ? overFractionAt(counts, low) : 0;
    return (
      overFractionAt(counts, model.limitIndex) <= model.allowedFraction && body < CLEAN_LOW_FRACTION
    );
  });
  const cleanBlocks = nearSaturation && isClean ? state.cleanBlocks + 1 : 0;
  return cleanBlocks >= CLEAN_BLOCKS
    ? changed(move, { anchor: raisedAnchor(anchor), cleanBlocks: 0 })
    : changed(move, { cleanBlocks });
}
