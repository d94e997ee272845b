import type { Slo } from "../../shared/slo/slo.ts";
import { judgeWindow } from "./one-rate-verdict.ts";
import type { JudgedSegment, Observation, Procedure, SegmentRequest, Step } from "./procedure.ts";

export interface FixedList {
  /** In their order; at least one. */
  readonly segments: readonly SegmentRequest[];
  /** Each measured window is judged by it; empty for none. */
  readonly slo: Slo;
  readonly thresholds: readonly (readonly number[])[];
  /** Longest wait for the open streams of a measured window, s. */
  readonly drainMaxS?: number;
}

/** Where a list stands. */
export interface FixedState {
  /** Position of the current segment. */
  readonly at: number;
  /** Segments up to this number are decided; what is still observed of them changes nothing. */
  readonly decidedSegment: number;
}

const DRAIN_MAX_S = 60;

/**
 * Drives a given list of segments, one after the other, to its end; none is cut short.
 *
 * A measured window ends when nothing of it can change any more, so it has drained before the next one starts and is
 * judged whole. A drain ends as soon as nothing is in flight, a warm-up when its time is over.
 */
export function fixedProcedure(list: FixedList): Procedure<FixedState> {
  return {
    begin: () => stepTo(list, { at: 0, decidedSegment: 0 }, undefined),
    advance(state, observation) {
      if (observation.segment <= state.decidedSegment || !isOver(list, observation)) {
        return { state, decision: { kind: "go-on" }, judged: undefined };
      }
      const drained = observation.seconds.at(-1)?.inFlightEnd === 0;
      const next = nextAt(list, state.at, drained);
      const judged = judgedOf(list, observation);
      return stepTo(list, { at: next, decidedSegment: observation.segment }, judged);
    },
  };
}

/** The segment after the one at `at`; a drain with nothing left to drain is left out. */
function nextAt({ segments }: FixedList, at: number, drained: boolean): number {
  let next = at + 1;
  while (drained && segments[next]?.mode.kind === "idle") next++;
  return next;
}

function stepTo(
  { segments }: FixedList,
  state: FixedState,
  judged: JudgedSegment | undefined,
): Step<FixedState> {
  const request = segments[state.at];
  return {
    state,
    decision: request === undefined ? { kind: "finished" } : { kind: "next", request },
    judged,
  };
}

function isOver({ drainMaxS = DRAIN_MAX_S }: FixedList, observation: Observation): boolean {
  const { request, observedS, final, seconds } = observation;
  const recordUntilS = request.settleS + request.recordS;
  if (request.mode.kind === "idle") {
    return observedS >= recordUntilS || seconds.at(-1)?.inFlightEnd === 0;
  }
  // An observation's instants are whole intervals, whose sums carry the dust of floats.
  const loadIsOver = observedS >= recordUntilS - 1e-6;
  if (request.purpose !== "measure") return loadIsOver;
  const heldUntilS = recordUntilS + (request.holdS ?? 0);
  return final || countIsThrough(observation) || observedS >= heldUntilS + drainMaxS;
}

/** A count of requests ends a closed window before its time; an open one's end is known when it starts. */
function countIsThrough({ request, seconds }: Observation): boolean {
  if (request.mode.kind === "open") return false;
  const scheduled = seconds.reduce((sum, second) => sum + second.scheduled, 0);
  return (
    request.requestsMax > 0 && scheduled >= request.requestsMax && seconds.at(-1)?.inFlightEnd === 0
  );
}

function judgedOf(
  { slo, thresholds }: FixedList,
  observation: Observation,
): JudgedSegment | undefined {
  if (slo.length === 0 || observation.request.purpose !== "measure") return undefined;
  const { verdict, reason } = judgeWindow(slo, thresholds, observation);
  return { segment: observation.segment, verdict, reason };
}
