import { calibrateRequest, onCalibrate } from "./bisect-calibrate.ts";
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
import type { ClauseWindow } from "./clause-window.ts";
import { ceilingOf } from "./next-rate.ts";
import {
  clauseWindows,
  decidedSOf,
  judgeWindows,
  looksAfter,
  LOOKS_MAX,
  overloadLimitS,
  type WindowVerdict,
} from "./one-rate-verdict.ts";
import { overloadOf, saturationOf } from "./overload.ts";
import type { Observation, Procedure, SearchOptions } from "./procedure.ts";

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
const VOIDS_MAX = 3;

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
      state: INITIAL_STATE,
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
  const seen = judge(move, false);
  const unloaded = state.unloaded ?? { firstTokenS: 0, endToEndS: 0 };
  const stepS = rampStepS(options, unloaded, state.ratePerSecond);
  const stepIsOver = observation.recordedS >= stepS - 1e-6;
  if (!seen.violated && !stepIsOver) return goOn(state);
  if (observation.validity === "invalid") return onVoid(move);
  if (seen.violated) return probeNext(withProbe(move, seen, "violated"), judgedOf(move, seen));

  const reached = { ...move, state: { ...state, rampPerSecond: state.ratePerSecond } };
  const late = observation.elapsedS > RAMP_BUDGET_FRACTION * options.timeBudgetS;
  const ceiling = ceilingOf(options, state);
  if (late || state.ratePerSecond >= ceiling) return probeNext(reached);
  const factor = isIdle(move) ? RAMP_FACTOR_IDLE : RAMP_FACTOR;
  return rampTo(reached, Math.min(ceiling, state.ratePerSecond * factor));
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
  const decidedS = decidedSOf(options.slo, observation);
  const looks = looksAfter(decidedS, decidedRequests(clausesOf(move)));
  const { settleS, recordS } = observation.request;
  const isLast =
    decidedS >= state.probeCapS - 1e-6 ||
    looks >= LOOKS_MAX ||
    observation.observedS >= settleS + 2 * recordS ||
    timeLeftS(options, state, observation.elapsedS) <= 0;
  const seen = judge(move, isLast || looks > state.looks);
  const decided = seen.violated || seen.window.verdict !== "undecided";
  const isInvalid = observation.validity === "invalid";
  if (isInvalid && (decided || isLast || observation.recordedS >= VOID_AFTER_S)) {
    return onVoid(move);
  }
  if (!decided && !isLast) return goOn({ ...state, looks });

  if (!seen.violated && seen.window.onlyTooFew) return onTooFew(move, seen);
  const verdict = seen.violated ? "violated" : seen.window.verdict;
  return probeNext(withProbe(move, seen, verdict), judgedOf(move, seen));
}

/** A clause that counting alone would need longer to show, with nothing against it, does not hold the search up. */
function onTooFew(move: Move, seen: Seen): BisectStep {
  const unshown = move.options.slo
    .filter((_, i) => seen.window.clauses[i]?.verdict === "undecided")
    .map(({ text }) => text);
  const note = `${unshown.join(", ")}: kept to, but by too few requests to show it by counting`;
  const passed = withProbe(move, seen, "met");
  const notes = passed.state.notes.includes(note)
    ? passed.state.notes
    : [...passed.state.notes, note];
  return probeNext({ ...passed, state: { ...passed.state, notes } }, judgedOf(move, seen));
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

/** What a window shows: its verdict, and signs of overload that need no statistics. */
interface Seen {
  readonly window: WindowVerdict;
  readonly overload: string | undefined;
  readonly violated: boolean;
}

function clausesOf({ options, observation }: Move): readonly ClauseWindow[] {
  return clauseWindows(options.slo, options.thresholds, observation);
}

function judge(move: Move, look: boolean): Seen {
  const { options, state, observation } = move;
  const windows = clausesOf(move);
  const window = judgeWindows(windows, look);
  const overload = overloadOf(observation, {
    ratePerSecond: state.ratePerSecond,
    previousRatePerSecond: state.step === "ramp" ? state.previousRatePerSecond : 0,
    unloadedFirstTokenS: state.unloaded?.firstTokenS ?? 0,
    limitS: overloadLimitS(options.slo),
    overCount: Math.max(0, ...windows.map(({ over, limitIndex }) => over[limitIndex] ?? 0)),
  });
  return { window, overload, violated: overload !== undefined || window.verdict === "violated" };
}

/** Requests decided under every clause that a request is decided under by its age. */
function decidedRequests(windows: readonly ClauseWindow[]): number {
  const byAge = windows.filter(({ hasTail }) => hasTail);
  const counted = byAge.length > 0 ? byAge : windows;
  return Math.min(...counted.map(({ decided, limitIndex }) => decided[limitIndex] ?? 0));
}

function judgedOf(
  { observation }: Move,
  { window, overload, violated }: Seen,
): BisectStep["judged"] {
  return {
    segment: observation.segment,
    verdict: violated ? "violated" : window.verdict,
    reason: overload === undefined ? window.reason : `${overload}; ${window.reason}`,
  };
}

/** The move with the window's outcome among its probes. */
function withProbe(move: Move, seen: Seen, verdict: Probe["verdict"]): Move {
  const { options, state, observation } = move;
  const { bindingClause, clauses } = seen.window;
  const evidence = clauses[bindingClause]?.evidence;
  const allowed = clausesOf(move)[bindingClause]?.allowedFraction ?? 1;
  const logOver = evidence?.logOver ?? null;
  const probed: Probe = {
    segment: observation.segment,
    ratePerSecond: state.ratePerSecond,
    verdict,
    boundBy: options.slo[bindingClause]?.text ?? "",
    requests: evidence?.requests ?? 0,
    overCount: evidence?.overCount ?? 0,
    clumpFactor: evidence?.clumpFactor ?? 1,
    logExcess: logOver === null ? null : logOver.value - Math.log(allowed),
    standardError: logOver?.standardError ?? null,
  };
  const saturation = seen.overload === undefined ? undefined : saturationOf(observation.seconds);
  return {
    ...move,
    state: {
      ...state,
      probes: [...state.probes, probed],
      previousRatePerSecond: state.ratePerSecond,
      saturationPerSecond: saturation ?? state.saturationPerSecond,
      loadedS: loadedS(state, observation),
      voids: state.generatorCeilingPerSecond === null ? 0 : state.voids,
    },
  };
}

/** An overloaded window's end-to-end time says little of the next one's: no more than a few times the unloaded. */
function loadedS(state: BisectState, { e2eMeanS }: Observation): number {
  const unloadedS = state.unloaded?.endToEndS ?? 0;
  return Math.max(unloadedS, Math.min(e2eMeanS ?? unloadedS, 4 * unloadedS));
}
