import type { JudgedSegment } from "../procedure.ts";
import { finish } from "./answer.ts";
import { ceilingOf, estimateOf } from "./current-estimate.ts";
import { rateAtOffset } from "./estimate.ts";
import { changed, goOn, type Move, next, type TailStep } from "./move.ts";
import { fittingBlockS, settleS } from "./timing.ts";

/** Log-odds from ε at which blocks are placed in turn: where a block tells most of the answer lies a little around it. */
const OFFSETS = [0, -0.6, 0.4] as const;
const LOWEST_PART = 0.75;
const HIGHEST_PART = 1.1;
const HIGHEST_PART_AT_FIRST = 1.06;
const FIRST_BLOCKS = 3;
const SATURATION_PART_MAX = 0.985;

/** The next focus block; the answer when no other fits into the time left. */
export function focusNext(move: Move, judged?: JudgedSegment): TailStep {
  const { state } = move;
  const estimate = estimateOf(move, false);
  const offset = OFFSETS[state.focusCount % OFFSETS.length] ?? 0;
  const wanted = rateAtOffset(estimate, offset);
  const best = estimate.ratePerSecond;
  const highest = best * (state.focusCount < FIRST_BLOCKS ? HIGHEST_PART_AT_FIRST : HIGHEST_PART);
  const saturation =
    state.anchor?.isAtLeast === true ? Infinity : (state.anchor?.ratePerSecond ?? Infinity);
  const bounded = Math.min(wanted, highest, SATURATION_PART_MAX * saturation);
  const rate = Math.min(Math.max(bounded, best * LOWEST_PART), ceilingOf(move));
  const focusing = changed(move, { focusCount: state.focusCount + 1, estimatePerSecond: best });
  return focusAt(focusing, rate, judged);
}

/** The same block once more. */
export function focusAgain(move: Move): TailStep {
  return focusAt(move, move.state.ratePerSecond);
}

function focusAt(move: Move, rate: number, judged?: JudgedSegment): TailStep {
  const { options, state, observation } = move;
  const isFromRest = observation.request.mode.kind !== "open";
  const change = isFromRest ? 1 : Math.abs(rate / state.ratePerSecond - 1);
  const settling = settleS(options, state, { rate, change });
  const recordS = fittingBlockS(options, state, {
    rate,
    elapsedS: observation.elapsedS,
    afterS: state.latencyS + settling,
  });
  if (recordS === undefined)
    return isWorthWaiting(move) ? goOn(changed(move, { isLast: true })) : finish(move, judged);
  return next(
    changed(move, {
      step: "focus",
      previousRatePerSecond: isFromRest ? 0 : state.ratePerSecond,
      ratePerSecond: rate,
      isLast: false,
    }),
    {
      purpose: "focus",
      mode: { kind: "open", ratePerSecond: rate },
      settleS: settling,
      recordS,
      requestsMax: 0,
    },
    judged,
  );
}

/** Whether the current block still goes on: it is waited for when none comes after it. */
function isWorthWaiting({ state, observation }: Move): boolean {
  return (
    state.step === "focus" &&
    !state.isLast &&
    observation.recordedS < observation.request.recordS - 1e-6
  );
}
