import { type Estimate, estimateRate } from "./estimate.ts";
import { changed, type Move } from "./move.ts";
import { trippedAnchor } from "./saturation.ts";
import type { TailState } from "./state.ts";

/** A time in system is taken for at most these multiples of the unloaded one. */
const RESIDENCE_MAX = 8;
const FIRST_RESIDENCE_MAX = 6;

/** The estimate of the blocks so far. */
export function estimateOf(
  { options, models, state }: Pick<Move, "options" | "models" | "state">,
  thorough: boolean,
): Estimate {
  return estimateRate(models, {
    blocks: state.blocks,
    anchor: state.anchor ?? trippedAnchor(state),
    tail: (1 - options.confidence) / 2,
    thorough,
  });
}

/** The move with its estimate brought up to date, and the time in system near it. */
export function estimateNow(move: Move): Move {
  const estimatePerSecond = estimateOf(move, false).ratePerSecond;
  const residenceS = residenceNear(move.state, estimatePerSecond);
  return changed(move, { estimatePerSecond, residenceS });
}

/** Half of the last focus block's and half of what was known; before any, that of the ramp step next to the estimate. */
function residenceNear(state: TailState, ratePerSecond: number): number {
  const unloadedS = state.unloaded?.endToEndS ?? 0;
  const last = state.blocks.at(-1);
  if (last?.kind === "focus") {
    const seenS = Math.min(last.residenceS ?? unloadedS, RESIDENCE_MAX * unloadedS);
    return 0.5 * seenS + 0.5 * state.residenceS;
  }
  const distance = (rate: number): number => Math.abs(Math.log(rate / ratePerSecond));
  const nearest = state.blocks
    .filter(({ kind, residenceS }) => kind === "ramp" && residenceS !== null)
    .sort((a, b) => distance(a.ratePerSecond) - distance(b.ratePerSecond))[0];
  const seenS = nearest?.residenceS ?? unloadedS;
  return Math.max(unloadedS, Math.min(FIRST_RESIDENCE_MAX * unloadedS, seenS));
}

/** The highest rate that may be offered: asked for, or all that the generator holds; Infinity without a bound. */
export function ceilingOf({ options, state }: Pick<Move, "options" | "state">): number {
  return Math.min(
    options.rateMaxPerSecond ?? Infinity,
    state.generatorCeilingPerSecond ?? Infinity,
  );
}
