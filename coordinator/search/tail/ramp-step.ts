import { countsOf, judgeCounted, overloadLimitS } from "../one-rate-verdict.ts";
import { overloadOf, saturationOf } from "../overload.ts";
import type { JudgedSegment, WindowObserved } from "../procedure.ts";
import { ceilingOf } from "./current-estimate.ts";
import { changed, goOn, type Move, type TailStep, withBlock } from "./move.ts";
import { probeCeiling, rampTo, saturate, UNKNOWN_UNLOADED } from "./requests.ts";
import { rampStepS } from "./timing.ts";
import { onVoid } from "./void.ts";

const FACTOR = Math.SQRT2;
/** While the service answers as if alone, the ramp takes two steps at once. */
const IDLE_FACTOR = 2;
const IDLE_SLOWDOWN_MAX = 1.25;
/** A step plainly violates a clause with more than ten requests over, and these are more than this part. */
const VIOLATING_OVER_MIN = 10;
const VIOLATING_FRACTION = 0.3;
/** A queue that never shows its backlog, such as a big batch: the ramp ends this far above the first violation. */
const BEYOND_VIOLATING = 6;
/** Part of the budget after which the ramp ends wherever it is. */
const BUDGET_FRACTION = 0.5;
/** A step is looked at for at least this long before the next one is asked for. */
const SEEN_MIN_S = 1;

/** Up until the backlog grows, which may show only after the next step has begun. */
export function onRamp(move: Move): TailStep {
  const { state, observation } = move;
  const trip = tripNow(move);
  if (trip !== undefined) {
    if (observation.validity === "invalid") return onVoid(move);
    return tripped(move, { segment: observation.segment, verdict: "violated", reason: trip });
  }
  if (observation.observedS < askAtS(move) - 1e-6) return goOn(move);
  if (observation.validity === "invalid") return onVoid(move);
  const violatingPerSecond = state.violatingPerSecond ?? violatingRate(move);
  const block = withBlock(move, observation, "ramp");
  return onStepDone(changed({ ...move, state: block }, { violatingPerSecond, voids: 0 }));
}

function onStepDone(move: Move): TailStep {
  const { options, state, observation } = move;
  const { violatingPerSecond } = state;
  if (violatingPerSecond !== null && state.ratePerSecond > BEYOND_VIOLATING * violatingPerSecond) {
    return tripped(move, undefined);
  }
  const isLate = observation.elapsedS > BUDGET_FRACTION * options.timeBudgetS;
  if (isTop(move) || isLate) return probeCeiling(move);
  const factor = isIdle(move) ? IDLE_FACTOR : FACTOR;
  return rampTo(move, Math.min(ceilingOf(move), state.ratePerSecond * factor));
}

/** The load goes on until the next step starts, so that is asked for before this one is over. */
function askAtS(move: Move): number {
  const { options, state } = move;
  const stepS = rampStepS(options, state.unloaded ?? UNKNOWN_UNLOADED, state.ratePerSecond);
  return isTop(move) ? stepS : Math.max(Math.min(stepS, SEEN_MIN_S), stepS - state.latencyS);
}

function isTop(move: Move): boolean {
  return move.state.ratePerSecond >= ceilingOf(move);
}

/** Why the current step, or the one before, shows overload. */
function tripNow(move: Move): string | undefined {
  const { state, observation } = move;
  const { previous } = observation;
  return (
    tripOf(move, observation, state.previousRatePerSecond) ??
    (previous?.request.purpose === "ramp" ? tripOf(move, previous, 0) : undefined)
  );
}

function tripOf(
  { options, state }: Move,
  window: WindowObserved,
  previousRatePerSecond: number,
): string | undefined {
  const { mode } = window.request;
  if (mode.kind !== "open") return undefined;
  const counts = countsOf(options.slo, options.thresholds, window);
  const reason = overloadOf(window, {
    ratePerSecond: mode.ratePerSecond,
    previousRatePerSecond,
    unloadedFirstTokenS: state.unloaded?.firstTokenS ?? 0,
    limitS: overloadLimitS(options.slo),
    overCount: Math.max(0, ...counts.map(({ tally, limitIndex }) => tally.over[limitIndex] ?? 0)),
  });
  return reason === undefined ? undefined : `${reason}; ${judgeCounted(counts, false).reason}`;
}

function tripped(move: Move, judged: JudgedSegment | undefined): TailStep {
  const { state, observation } = move;
  const isKnown = state.blocks.some(({ segment }) => segment === observation.segment);
  const blocks = isKnown ? state : withBlock(move, observation, "ramp");
  return saturate(
    changed(
      { ...move, state: blocks },
      { trippedPerSecond: saturationOf(observation.seconds) ?? null, voids: 0 },
    ),
    judged,
  );
}

function violatingRate({ options, state, observation }: Move): number | null {
  const isPlain = countsOf(options.slo, options.thresholds, observation).some(
    ({ tally, limitIndex }) => {
      const over = tally.over[limitIndex] ?? 0;
      return (
        over > VIOLATING_OVER_MIN && over > VIOLATING_FRACTION * (tally.decided[limitIndex] ?? 0)
      );
    },
  );
  return isPlain ? state.ratePerSecond : null;
}

/** Whether requests are still served as if each were alone. */
function isIdle({ state, observation }: Move): boolean {
  const { ttftMeanS = Infinity, e2eMeanS = Infinity } = observation;
  const { firstTokenS, endToEndS } = state.unloaded ?? UNKNOWN_UNLOADED;
  return ttftMeanS <= IDLE_SLOWDOWN_MAX * firstTokenS && e2eMeanS <= IDLE_SLOWDOWN_MAX * endToEndS;
}
