import type { JudgedSegment } from "../procedure.ts";
import { longestLimitS } from "../one-rate-verdict.ts";
import { changed, type Move, next, type TailStep } from "./move.ts";
import type { DrainReason } from "./state.ts";
import {
  backlogOf,
  drainMaxS,
  rampStepS,
  saturateS,
  scaleOf,
  settleS,
  timeLeftS,
} from "./timing.ts";

/** Load goes on at the rate of a ramp step while its outcome is on the way; such arrivals are recorded as well. */
const RECORD_EXTRA_S = 10;
/** A backlog is held up to this many times the wanted time, for a server that is slow to turn it over. */
export const SATURATE_LONGEST = 2;
/** Part of the time left that the highest rate allowed is judged for. */
const CEILING_SHARE = 0.5;
const CEILING_RECORD_MIN_S = 2;
/** At a budget of 300 s; undecided for so long it is too near the answer for one rate to tell. */
const CEILING_MAX_S = 60;

export const UNKNOWN_UNLOADED = { firstTokenS: 0, endToEndS: 0 };

/** The next step of the ramp. */
export function rampTo(move: Move, ratePerSecond: number): TailStep {
  const { options, state } = move;
  const stepS = rampStepS(options, state.unloaded ?? UNKNOWN_UNLOADED, ratePerSecond);
  const ramping = changed(move, {
    step: "ramp",
    ratePerSecond,
    previousRatePerSecond: state.step === "ramp" ? state.ratePerSecond : 0,
  });
  return next(ramping, {
    purpose: "ramp",
    mode: { kind: "open", ratePerSecond },
    settleS: 0,
    recordS: stepS + RECORD_EXTRA_S,
    requestsMax: 0,
  });
}

/** Holds a backlog, sized by where the ramp tripped. */
export function saturate(move: Move, judged?: JudgedSegment): TailStep {
  const { options, state } = move;
  const { longestSettleS, measureS } = saturateS(options, state.unloaded ?? UNKNOWN_UNLOADED);
  return next(
    changed(move, { step: "saturate" }),
    {
      purpose: "saturate",
      mode: { kind: "backlog", waitingMax: backlogOf(options, state.ratePerSecond) },
      settleS: 0,
      recordS: longestSettleS + SATURATE_LONGEST * measureS,
      requestsMax: 0,
    },
    judged,
  );
}

/** No load until the backlog is gone. */
export function drain(move: Move, drainReason: DrainReason, judged?: JudgedSegment): TailStep {
  return next(
    changed(move, { step: "drain", drainReason, previousRatePerSecond: 0 }),
    {
      purpose: "drain",
      mode: { kind: "idle" },
      settleS: 0,
      recordS: drainMaxS(move.options, drainReason),
      requestsMax: 0,
    },
    judged,
  );
}

/** No saturation was seen up to the state's rate: that rate is judged as it stands. */
export function probeCeiling(move: Move): TailStep {
  const { options, state, observation } = move;
  const rate = state.ratePerSecond;
  const settling = settleS(options, state, { rate, change: 0 });
  const leftS = timeLeftS(options, state, observation.elapsedS) - settling - state.latencyS;
  const longestS = CEILING_MAX_S * scaleOf(options);
  return next(changed(move, { step: "ceiling", previousRatePerSecond: rate }), {
    purpose: "probe",
    mode: { kind: "open", ratePerSecond: rate },
    settleS: settling,
    recordS:
      Math.max(CEILING_RECORD_MIN_S, Math.min(longestS, CEILING_SHARE * leftS)) +
      longestLimitS(options.slo),
    requestsMax: 0,
  });
}
