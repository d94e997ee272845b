import { answerOf, shown } from "./bisect-answer.ts";
import { bracketOf, halfWidthOf, type BisectState } from "./bisect-state.ts";
import {
  DECISION_S,
  drainMaxS,
  probeCapS,
  rampStepS,
  settleS,
  timeLeftS,
} from "./bisect-timing.ts";
import { nextRate } from "./next-rate.ts";
import { beliefOf } from "./rate-belief.ts";
import { longestLimitS, overloadLimitS } from "./one-rate-verdict.ts";
import type {
  Decision,
  JudgedSegment,
  Observation,
  SearchOptions,
  SegmentRequest,
  Step,
} from "./procedure.ts";

export type BisectStep = Step<BisectState>;

/** What each move of the search starts from. */
export interface Move {
  readonly options: SearchOptions;
  readonly state: BisectState;
  readonly observation: Observation;
}

/** Load goes on at the rate of a step while its outcome is on the way; such arrivals may be recorded as well. */
const RAMP_RECORD_EXTRA_S = 10;
/** A backlog worth more than this part of the limit would spoil the next window. */
const BACKLOG_LIMIT_FRACTION = 0.25;
/** Requests in flight beyond these multiples of what an unloaded service would hold are a backlog too. */
const IN_FLIGHT_EXCESS = 4;
const IN_FLIGHT_DRAINED = 2;
const FEW_REQUESTS = 10;
/** Parts of the time left that a probe may take: one that leaves room for others, or all. */
const PROBE_SHARES = [0.55, 1];

export function goOn(state: BisectState): BisectStep {
  return { state, decision: { kind: "go-on" }, judged: undefined };
}

/** Ends the search; `decision` says with what. */
export function endWith(
  { state, observation }: Move,
  decision: Decision,
  judged?: JudgedSegment,
): BisectStep {
  return { state: { ...state, decidedSegment: observation.segment }, decision, judged };
}

/** Ends the search with what its probes show. */
export function finish(move: Move, judged?: JudgedSegment): BisectStep {
  return endWith(move, answerOf(move.options, move.state), judged);
}

/** Asks for the next segment. */
export function next(
  { state, observation }: Move,
  request: SegmentRequest,
  judged: JudgedSegment | undefined,
): BisectStep {
  return {
    state: { ...state, decidedSegment: observation.segment, looks: 0 },
    decision: { kind: "next", request },
    judged,
  };
}

/** The next step of the ramp. */
export function rampTo(move: Move, ratePerSecond: number, judged?: JudgedSegment): BisectStep {
  const { options, state } = move;
  const unloaded = state.unloaded ?? { firstTokenS: 0, endToEndS: 0 };
  const stepS = rampStepS(options, unloaded, ratePerSecond);
  return next(
    {
      ...move,
      state: {
        ...state,
        step: "ramp",
        ratePerSecond,
        previousRatePerSecond: state.rampPerSecond ?? 0,
      },
    },
    {
      purpose: "ramp",
      mode: { kind: "open", ratePerSecond },
      settleS: 0,
      recordS: stepS + RAMP_RECORD_EXTRA_S,
      requestsMax: 0,
    },
    judged,
  );
}

/**
 * On to the next probe, by way of a drain if the last window left a backlog; or the end, when the interval is narrow
 * enough, no rate is left to try, or the time left is too short to show anything.
 */
export function probeNext(move: Move, judged?: JudgedSegment): BisectStep {
  const { options, state } = move;
  const { low, high } = bracketOf(state.probes);
  const lowestAsked = options.rateMinPerSecond ?? 0;
  if (high !== undefined && high.ratePerSecond <= lowestAsked) {
    const reason = `${shown(high.ratePerSecond)} requests/s, the lowest rate asked for, violates ${high.boundBy}`;
    return endWith(move, { kind: "hopeless", reason }, judged);
  }
  const generatorBound = state.generatorCeilingPerSecond !== null && high === undefined;
  const enough =
    halfWidthOf(state.probes) <= options.precisionFraction || (generatorBound && low !== undefined);
  const ahead = enough ? undefined : aheadOf(move);
  if (ahead === undefined) return finish(move, judged);
  return drainNeededS(ahead) > 0 ? drain(ahead, judged) : probe(ahead, judged);
}

/** The move to a rate worth probing in the time left: a share of it, or all of it when that shows more. */
function aheadOf(move: Move): Move | undefined {
  const { options, state, observation } = move;
  const guess = { ...move, state: { ...state, ratePerSecond: beliefOf(state).ratePerSecond } };
  const leftS = timeLeftS(options, guess.state, observation.elapsedS) - drainNeededS(guess);
  for (const share of PROBE_SHARES) {
    const capS = probeCapS(options, guess.state, { leftS, share });
    if (capS === undefined) return undefined;
    const rate = nextRate(options, state, capS * guess.state.ratePerSecond);
    if (rate === undefined) continue;
    const ahead = { ...guess, state: { ...state, ratePerSecond: rate, probeShare: share } };
    const ownCapS = probeCapS(options, ahead.state, { leftS, share });
    if (ownCapS !== undefined) return ahead;
  }
  return undefined;
}

function drain(move: Move, judged: JudgedSegment | undefined): BisectStep {
  const recordS = drainMaxS(move.options);
  const request: SegmentRequest = {
    purpose: "drain",
    mode: { kind: "idle" },
    settleS: 0,
    recordS,
    requestsMax: 0,
  };
  return next({ ...move, state: { ...move.state, step: "drain" } }, request, judged);
}

/** A window at the state's rate. */
export function probe(move: Move, judged?: JudgedSegment): BisectStep {
  const { options, state, observation } = move;
  const leftS = timeLeftS(options, state, observation.elapsedS);
  const capS = probeCapS(options, state, { leftS, share: state.probeShare });
  if (capS === undefined) return finish(move, judged);
  const request: SegmentRequest = {
    purpose: "probe",
    mode: { kind: "open", ratePerSecond: state.ratePerSecond },
    settleS: settleS(options, state),
    recordS: capS + longestLimitS(options.slo),
    requestsMax: 0,
  };
  const probing = { ...state, step: "probe" as const, probeCapS: capS };
  return next({ ...move, state: probing }, request, judged);
}

/** How long the backlog of the last window takes to go, s; 0 when it needs no pause. */
function drainNeededS({ options, state, observation }: Move): number {
  const last = observation.seconds.at(-1);
  if (last === undefined || state.unloaded === null) return 0;
  const { firstTokenS, endToEndS } = state.unloaded;
  const lengthS = Math.max(last.toS - last.fromS, 1e-3);
  const servedPerSecond = Math.max(last.firstTokens / lengthS, state.saturationPerSecond ?? 0, 0.1);
  const waitingS = (last.waitingEnd - state.ratePerSecond * firstTokenS) / servedPerSecond;
  const inFlightBound = IN_FLIGHT_EXCESS * state.ratePerSecond * endToEndS + FEW_REQUESTS;
  const backlogged =
    waitingS > BACKLOG_LIMIT_FRACTION * overloadLimitS(options.slo) ||
    last.inFlightEnd > inFlightBound;
  return backlogged ? DECISION_S + Math.max(0, waitingS) : 0;
}

/**
 * Whether the backlog will be gone by the time the next segment starts: the decision takes a while to arrive, and the
 * server goes on meanwhile.
 */
export function isDrained({ state, observation }: Move): boolean {
  const last = observation.seconds.at(-1);
  if (last === undefined) return false;
  const { firstTokenS, endToEndS } = state.unloaded ?? { firstTokenS: 0, endToEndS: 0 };
  const lengthS = Math.max(last.toS - last.fromS, 1e-3);
  const aheadS = DECISION_S / lengthS;
  const waiting = last.waitingEnd - last.firstTokens * aheadS;
  const inFlight = last.inFlightEnd - last.completed * aheadS;
  return (
    waiting <= 1 + 0.5 * state.ratePerSecond * firstTokenS &&
    inFlight <= 1 + IN_FLIGHT_DRAINED * state.ratePerSecond * endToEndS
  );
}
