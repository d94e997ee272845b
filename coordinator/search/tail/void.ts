import { finish } from "./answer.ts";
import { focusAgain, focusNext } from "./focus-next.ts";
import { changed, endWith, type Move, shown, type TailStep } from "./move.ts";
import { drain, probeCeiling, rampTo, saturate } from "./requests.ts";
import { trippedAnchor } from "./saturation.ts";

/** A spoilt window is repeated at its rate: a step of the ramp, which is short, more often. */
const REPEATED = 1;
const RAMP_REPEATED = 3;
const VOIDS_MAX = 6;

/** A window that the generator spoilt tells nothing: once again, then without it. */
export function onVoid(move: Move): TailStep {
  const { state } = move;
  const voids = state.voids + 1;
  const spoilt = changed(move, { voids });
  if (voids >= VOIDS_MAX) return finish(spoilt);
  switch (state.step) {
    case "ramp":
      return voids > RAMP_REPEATED ? belowCeiling(spoilt) : rampTo(spoilt, state.ratePerSecond);
    case "saturate":
      // Without it the step that tripped says roughly where saturation lies.
      return voids > REPEATED
        ? drain(changed(spoilt, { anchor: trippedAnchor(state) }), "after-saturation")
        : saturate(spoilt);
    case "ceiling":
      return voids > REPEATED ? belowCeiling(spoilt) : probeCeiling(spoilt);
    case "calibrate":
    case "warm-up":
    case "drain":
    case "focus":
    case "confirm":
      return voids > REPEATED
        ? focusNext(changed(spoilt, { generatorCeilingPerSecond: state.ratePerSecond * 0.97 }))
        : focusAgain(spoilt);
  }
}

/** The generator holds no more than the highest step before the spoilt one. */
function belowCeiling(move: Move): TailStep {
  const { state } = move;
  const held = state.blocks
    .filter(({ ratePerSecond }) => ratePerSecond < state.ratePerSecond)
    .reduce((highest, { ratePerSecond }) => Math.max(highest, ratePerSecond), 0);
  if (held === 0) {
    const reason = `the load generator could not hold ${shown(state.ratePerSecond)} requests/s, and no lower rate was shown to meet the SLO`;
    return endWith(changed(move, { generatorCeilingPerSecond: state.ratePerSecond }), {
      kind: "inconclusive",
      reason,
    });
  }
  return probeCeiling(
    changed(move, { generatorCeilingPerSecond: held, ratePerSecond: held, voids: 0 }),
  );
}
