import type { Estimate } from "./estimate.ts";
import { type Move, shown } from "./move.ts";

/** λ* · ε below this: fewer than one request over in eight seconds. */
const OVER_PER_SECOND_MIN = 0.12;
const SATURATION_PART = 0.97;
const FLOOR_PART = 0.25;
const CV_MAX = 1.5;
/** Throughput before overload above that under it by more standard errors than this: it lost speed. */
const SLOWER_DEVIATIONS = 3;

/** What limits the answer, and what was seen on the way: said, not hidden. */
export function limitNotes(move: Move, estimate: Estimate): readonly string[] {
  const { state, models } = move;
  const { anchor } = state;
  const { binding, ratePerSecond } = estimate;
  const notes: string[] = [];
  if (binding.floor > FLOOR_PART * binding.model.allowedFraction) {
    notes.push(
      `${binding.model.clause.text} is close to what the service takes without load: the answer may be off by 25 %`,
    );
  }
  if (
    anchor !== null &&
    !anchor.isAtLeast &&
    ratePerSecond > SATURATION_PART * anchor.ratePerSecond
  ) {
    notes.push(
      "the answer lies above 97 % of saturation, where a small change of load overloads the service",
    );
  }
  if (ratePerSecond * binding.model.allowedFraction < OVER_PER_SECOND_MIN) {
    notes.push(
      `at ${shown(ratePerSecond)} requests/s few requests may be over ${binding.model.clause.text}: more time, or a lower percentile, would tell more`,
    );
  }
  if (unloadedCv(move) >= CV_MAX) {
    notes.push(
      "service times vary by more than 1.5 times their mean: the answer may be 1 to 3 % too high",
    );
  }
  if (anchor !== null && anchor.raised > 0) {
    notes.push(
      "blocks above the measured saturation were clean: it was raised, and the answer rests less on it",
    );
  }
  notes.push(...recoveryNotes(move));
  const counted = models.filter((model) => model.kind === "counts");
  if (counted.some((model) => model === binding.model)) {
    notes.push(`${binding.model.clause.text} is estimated by counting alone, which is less sure`);
  }
  return notes;
}

function recoveryNotes({ state }: Move): readonly string[] {
  const { anchor, recoveredS, isRecovered } = state;
  const notes: string[] = [];
  if (recoveredS !== null && isRecovered) {
    notes.push(
      `after saturation the backlog was gone within ${Math.max(1, Math.round(recoveredS))} s`,
    );
  }
  const before = Math.max(
    0,
    ...state.blocks
      .filter(({ kind }) => kind === "ramp")
      .map(({ firstTokensPerSecond, fired }) => {
        const count = Math.max(1, fired);
        return firstTokensPerSecond * (1 - SLOWER_DEVIATIONS * Math.sqrt(1 / count));
      }),
  );
  if (
    anchor !== null &&
    !anchor.isAtLeast &&
    before > anchor.ratePerSecond * (1 + 2 * anchor.relativeSd)
  ) {
    notes.push(
      `before the overload it served more requests/s than the ${shown(anchor.ratePerSecond)} under it: it has become slower, and the answer is of the slower service`,
    );
  }
  return notes;
}

/** Coefficient of variation of the end-to-end time of one request at a time. */
function unloadedCv({ state }: Move): number {
  return state.unloadedCv ?? 0;
}
