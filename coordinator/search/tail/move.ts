import type {
  Decision,
  JudgedSegment,
  Observation,
  SearchOptions,
  SegmentRequest,
  Step,
  WindowObserved,
} from "../procedure.ts";
import { type Block, blockOf } from "./block.ts";
import type { ClauseModel } from "./models.ts";
import type { TailState } from "./state.ts";

export type TailStep = Step<TailState>;

/** What each move of the search starts from. */
export interface Move {
  readonly options: SearchOptions;
  readonly models: readonly ClauseModel[];
  readonly state: TailState;
  readonly observation: Observation;
}

export function goOn({ state }: Move): TailStep {
  return { state, decision: { kind: "go-on" }, judged: undefined };
}

/** The move with some of the state changed. */
export function changed(move: Move, change: Partial<TailState>): Move {
  return { ...move, state: { ...move.state, ...change } };
}

/** Ends the search; `decision` says with what. */
export function endWith(
  { state, observation }: Move,
  decision: Decision,
  judged?: JudgedSegment,
): TailStep {
  return { state: { ...state, decidedSegment: observation.segment }, decision, judged };
}

/** Asks for the next segment, as the state's step and rate have it. */
export function next(
  { state, observation }: Move,
  request: SegmentRequest,
  judged?: JudgedSegment,
): TailStep {
  return {
    state: {
      ...state,
      decidedSegment: observation.segment,
      askedAtS: observation.elapsedS,
      looks: 0,
    },
    decision: { kind: "next", request },
    judged,
  };
}

/** The state with one more block. */
export function withBlock(
  { options, state }: Move,
  window: WindowObserved,
  kind: Block["kind"],
): TailState {
  return { ...state, blocks: [...state.blocks, blockOf(options, window, kind)] };
}

export function withNote(move: Move, note: string): Move {
  const { notes } = move.state;
  return notes.includes(note) ? move : changed(move, { notes: [...notes, note] });
}

/** A rate as a sentence has it: three significant digits. */
export function shown(ratePerSecond: number): string {
  return Number(ratePerSecond.toPrecision(3)).toString();
}
