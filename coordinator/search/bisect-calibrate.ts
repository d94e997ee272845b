import { endWith, goOn, next, rampTo, type BisectStep, type Move } from "./bisect-moves.ts";
import { calibrateRequest, firstRate, unloadedOf } from "./unloaded.ts";

const RATE_MIN = 0.2;

/** What the unloaded service does; the ramp starts from it, or the search is hopeless. */
export function onCalibrate(move: Move): BisectStep {
  const { options, state, observation } = move;
  const sight = unloadedOf(options, observation);
  if (sight.kind === "unknown") return goOn(state);
  if (sight.kind === "void") return next(move, calibrateRequest(options), undefined);
  if (sight.kind !== "known") return endWith(move, sight);
  const { unloaded } = sight;
  const calibrated = { ...state, unloaded, loadedS: unloaded.endToEndS };
  const rate = Math.max(RATE_MIN, firstRate(options, unloaded));
  return rampTo(
    { ...move, state: calibrated },
    Math.min(rate, options.rateMaxPerSecond ?? Infinity),
  );
}
