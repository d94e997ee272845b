import type { Procedure, SearchOptions } from "./procedure.ts";
import { calibrateRequest } from "./unloaded.ts";
import { onCeiling } from "./tail/ceiling-step.ts";
import { onConfirm } from "./tail/confirm-step.ts";
import { onFocus } from "./tail/focus-step.ts";
import { withLateNews } from "./tail/late-news.ts";
import { modelsOf } from "./tail/models.ts";
import { goOn, type Move, type TailStep } from "./tail/move.ts";
import { onRamp } from "./tail/ramp-step.ts";
import { onDrain, onSaturate } from "./tail/saturate-step.ts";
import { INITIAL_STATE, type TailState } from "./tail/state.ts";
import { onCalibrate, onWarmUp } from "./tail/warm-up-step.ts";

/**
 * The highest rate within the SLO, by the tail surface.
 *
 * Calibrate with one request at a time; ramp up until the first-token backlog grows; hold a backlog to measure
 * saturation; let it drain; then blocks of constant rate close to the estimate, one behind the other without a pause.
 * Each block's crossings of thresholds below the limit, far more frequent than those of the limit, say together with
 * saturation where the limit will be crossed too often (tail/surface.ts); the counts over the limit itself correct that
 * (tail/direct-correction.ts). docs/search.md explains it.
 */
export function tailProcedure(options: SearchOptions): Procedure<TailState> {
  const models = modelsOf(options.slo, options.thresholds);
  return {
    begin: () => ({
      // Beyond what its agents carry a window would be void.
      state: { ...INITIAL_STATE, generatorCeilingPerSecond: options.cleanRatePerSecond ?? null },
      decision: { kind: "next", request: calibrateRequest(options) },
      judged: undefined,
    }),
    advance(state, observation) {
      const move = { options, models, state, observation };
      if (observation.segment <= state.decidedSegment) return goOn(move);
      return onStep(withLateNews(move));
    },
  };
}

function onStep(move: Move): TailStep {
  switch (move.state.step) {
    case "calibrate":
      return onCalibrate(move);
    case "warm-up":
      return onWarmUp(move);
    case "ramp":
      return onRamp(move);
    case "saturate":
      return onSaturate(move);
    case "drain":
      return onDrain(move);
    case "ceiling":
      return onCeiling(move);
    case "focus":
      return onFocus(move);
    case "confirm":
      return onConfirm(move);
  }
}
