import { onCalibrate } from "./bisect-calibrate.ts";
import {
  finish,
  goOn,
  isDrained,
  probe,
  probeNext,
  rampTo,
  type BisectStep,
  type Move,
} from "./bisect-moves.ts";
import { shown } from "./bisect-answer.ts";
import { INITIAL_STATE, type BisectState, type Probe } from "./bisect-state.ts";
import { drainMaxS, rampStepS, timeLeftS } from "./bisect-timing.ts";
import { ceilingOf } from "./next-rate.ts";
import { countsOf, decidedSOf, looksAfter, LOOKS_MAX } from "./one-rate-verdict.ts";
import { decidedRequests, judgedOf, see, withProbe, type Seen } from "./probe-verdict.ts";
import type { Procedure, SearchOptions } from "./procedure.ts";
import { calibrateRequest } from "./unloaded.ts";

const RAMP_FACTOR = Math.SQRT2;
/** While the service answers as if alone, the ramp may take two steps at once. */
const RAMP_FACTOR_IDLE = 2;
const IDLE_SLOWDOWN_MAX = 1.25;
/** Part of the budget after which the ramp ends wherever it is. */
const RAMP_BUDGET_FRACTION = 0.6;
/** A generator that is found unable this long into a window will not become able. */
const VOID_AFTER_S = 5;
/** Voids: repeat once, then lower, then give up. */
const VOIDS_REPEATED = 1;
const VOIDS_MAX = 6;

/**
 * The highest rate within the SLO, by bisection.
 *
 * Calibrate with one request at a time; ramp up to the first violation (or the highest rate allowed); let the backlog
 * drain; then halve, on the log of the rate, the bracket between the highest rate that passes and the lowest that
 * fails. Each probe is a window of constant rate after a settling time, judged by the one-rate verdict; one that stays
 * undecided at its time cap narrows nothing. The interval is [highest PASS, lowest FAIL].
 */
export function bisectProcedure(options: SearchOptions): Procedure<BisectState> {
  return {
    begin: () => ({
      state: { ...INITIAL_STATE, generatorCeilingPerSecond: options.cleanRatePerSecond ?? null },
      decision: { kind: "next", request: calibrateRequest(options) },
      judged: undefined,
    }),
    advance(state, observation) {
      if (observation.segment <= state.decidedSegment) return goOn(state);
      const move = { options, state, observation };
      switch (state.step) {
        case "calibrate":
          return onCalibrate(move);
        case "ramp":
          return onRamp(move);
        case "drain":
          return onDrain(move);
        case "probe":
          return onProbe(move);
      }
    },
  };
}

function onRamp(move: Move): BisectStep {
  const { options, state, observation } = move;
  const seen = see(move, false);
  const unloaded = state.unloaded ?? { firstTokenS: 0, endToEndS: 0 };
  const stepS = rampStepS(options, unloaded, state.ratePerSecond);
  const violated = seen.verdict === "violated";
  if (!violated && observation.recordedS < stepS - 1e-6) return goOn(state);
  if (observation.validity === "invalid") return onVoid(move);
  if (violated) return probeNext(probed(move, seen, "violated"), judgedOf(move, seen));

  const reached = { ...move, state: { ...state, rampPerSecond: state.ratePerSecond } };
  const late = observation.elapsedS > RAMP_BUDGET_FRACTION * options.timeBudgetS;
  const ceiling = ceilingOf(options, state);
  if (late || state.ratePerSecond >= ceiling) return probeNext(reached);
  const factor = isIdle(move) ? RAMP_FACTOR_IDLE : RAMP_FACTOR;
  return rampTo(reached, Math.min(ceiling, state.ratePerSecond * factor));
}

function probed(move: Move, seen: Seen, verdict: Probe["verdict"]): Move {
  return { ...move, state: withProbe(move, seen, verdict) };
}

/** Whether requests are still served as if each were alone. */
function isIdle({ state, observation }: Move): boolean {
  const { ttftMeanS = Infinity, e2eMeanS = Infinity } = observation;
  const { firstTokenS, endToEndS } = state.unloaded ?? { firstTokenS: 0, endToEndS: 0 };
  return ttftMeanS <= IDLE_SLOWDOWN_MAX * firstTokenS && e2eMeanS <= IDLE_SLOWDOWN_MAX * endToEndS;
}

function onDrain(move: Move): BisectStep {
  const { options, state, observation } = move;
  if (timeLeftS(options, state, observation.elapsedS) <= 0) return finish(move);
  if (isDrained(move)) return probe(move);
  if (observation.observedS < drainMaxS(options) - 1e-6) return goOn(state);
  const note = `after ${shown(state.previousRatePerSecond)} requests/s the service did not recover within ${Math.round(observation.observedS)} s without load`;
  return probe({ ...move, state: { ...state, notes: [...state.notes, note] } });
}

function onProbe(move: Move): BisectStep {
  const { options, state, observation } = move;
  const requests = decidedRequests(countsOf(options.slo, options.thresholds, observation));
  const looks = looksAfter(decidedSOf(options.slo, observation), requests);
  const isLast = looks >= LOOKS_MAX || isThrough(move);
  const seen = see(move, isLast || looks > state.looks);
  const decided = seen.verdict !== "undecided";
  if (observation.validity === "invalid") {
    const isSpoilt = decided || isLast || observation.recordedS >= VOID_AFTER_S;
    return isSpoilt ? onVoid(move) : goOn(state);
  }
  if (decided) return probeNext(probed(move, seen, seen.verdict), judgedOf(move, seen));
  return isLast ? onUndecided(move, seen) : goOn({ ...state, looks });
}

/** Whether the probe has had its time, or the search has. */
function isThrough({ options, state, observation }: Move): boolean {
  const { settleS, recordS } = observation.request;
  return (
    decidedSOf(options.slo, observation) >= state.probeCapS - 1e-6 ||
    // Never reached unless requests stay undecided beyond their age.
    observation.observedS >= settleS + 2 * recordS ||
    timeLeftS(options, state, observation.elapsedS) <= 0
  );
}

/**
 * A probe that stayed undecided narrows nothing. But a clause that counting alone would need longer to show, with
 * nothing against it, does not hold the search up: the rate passes, and a note says so.
 */
function onUndecided(move: Move, seen: Seen): BisectStep {
  if (!seen.window.onlyTooFew) {
    return probeNext(probed(move, seen, "undecided"), judgedOf(move, seen));
  }
  const unshown = move.options.slo
    .filter((_, i) => seen.window.clauses[i]?.verdict === "undecided")
    .map(({ text }) => text);
  const note = `${unshown.join(", ")}: kept to, but by too few requests to show it by counting`;
  const passed = withProbe(move, seen, "met");
  const notes = passed.notes.includes(note) ? passed.notes : [...passed.notes, note];
  return probeNext({ ...move, state: { ...passed, notes } }, judgedOf(move, seen));
}

/** A window that the generator spoilt tells nothing: once again, then at a lower rate, then the end. */
function onVoid(move: Move): BisectStep {
  const { state } = move;
  const voids = state.voids + 1;
  const spoilt = { ...move, state: { ...state, voids } };
  if (voids >= VOIDS_MAX) return finish(spoilt);
  if (voids > VOIDS_REPEATED) {
    const generatorCeilingPerSecond = state.ratePerSecond;
    return probeNext({ ...move, state: { ...spoilt.state, generatorCeilingPerSecond } });
  }
  return state.step === "ramp" ? rampTo(spoilt, state.ratePerSecond) : probe(spoilt);
}
