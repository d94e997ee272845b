import type { Slo } from "../../shared/slo/slo.ts";
import { type FixedState, fixedProcedure } from "./fixed-list.ts";
import type { Observation, Procedure, SegmentRequest, Step } from "./procedure.ts";

export interface SweepOptions {
  /** Rates between floor and ceiling. */
  readonly points: number;
  /** Of each recorded window, s. */
  readonly durationS: number;
  /** The same load before each window, s. */
  readonly warmupS: number;
  /** Streams of the window that finds the ceiling. */
  readonly streams: number;
  /** Each window is judged by it; empty for none. */
  readonly slo: Slo;
  readonly thresholds: readonly (readonly number[])[];
  /** Longest wait for the open streams of a window, s. */
  readonly drainMaxS: number;
}

/** Where a sweep stands: completed requests/s, as far as they are known, and its place in the list of windows. */
export interface SweepState {
  readonly floorPerSecond: number | null;
  readonly ceilingPerSecond: number | null;
  readonly list: FixedState;
}

/** The streams all start at once: what the batch looks like then is not what it looks like later. */
const FILL_FRACTION = 0.2;
/** A floor this near the ceiling leaves no room for rates between: they begin at nothing then. */
const FLOOR_FRACTION_MAX = 0.9;

/**
 * Floor, ceiling, and the curve between them, as GuideLLM sweeps: one request at a time; then as many streams as
 * allowed; then rates evenly between what the two completed, each an open loop over a window of its own.
 *
 * Each window has drained before the next one starts.
 *
 * @see https://github.com/vllm-project/guidellm (`sweep` profile)
 */
export function sweepProcedure(options: SweepOptions): Procedure<SweepState> {
  return {
    begin: () => {
      const step = listOf(options, undefined).begin();
      return {
        ...step,
        state: { floorPerSecond: null, ceilingPerSecond: null, list: step.state },
      };
    },
    advance(state, observation) {
      const known = withRate(state, observation);
      const step = listOf(options, state).advance(state.list, observation);
      if (step.state.at === state.list.at) return { ...step, state };
      if (known.ceilingPerSecond === 0) return { ...step, ...nothingCompleted(known, options) };
      return nextOf(options, { ...known, list: step.state }, step);
    },
  };
}

/** The list is longer by the rates once the ceiling is known. */
function nextOf(
  options: SweepOptions,
  state: SweepState,
  step: Step<FixedState>,
): Step<SweepState> {
  const request = segmentsOf(options, state)[state.list.at];
  if (step.decision.kind !== "finished" || request === undefined) return { ...step, state };
  return { ...step, state, decision: { kind: "next", request } };
}

function nothingCompleted(
  state: SweepState,
  { durationS }: SweepOptions,
): Pick<Step<SweepState>, "state" | "decision"> {
  const reason = `under full load not one request succeeded within ${durationS} s: give a longer --duration, or look at the errors`;
  return { state, decision: { kind: "inconclusive", reason } };
}

/** What the window of a closed mode completed. It is asked of the window's own seconds: what drains came later. */
function withRate(state: SweepState, observation: Observation): SweepState {
  const { mode, settleS, recordS } = observation.request;
  if (mode.kind !== "serial" && mode.kind !== "closed") return state;
  const within = observation.seconds.filter(
    ({ fromS, toS }) => fromS >= settleS - 1e-6 && toS <= settleS + recordS + 1e-6,
  );
  const completed = within.reduce((sum, { completedOk }) => sum + completedOk, 0);
  const seconds = within.reduce((sum, { fromS, toS }) => sum + toS - fromS, 0);
  const ratePerSecond = seconds > 0 ? completed / seconds : 0;
  return mode.kind === "serial"
    ? { ...state, floorPerSecond: ratePerSecond }
    : { ...state, ceilingPerSecond: ratePerSecond };
}

function listOf(options: SweepOptions, state: SweepState | undefined): Procedure<FixedState> {
  const { slo, thresholds, drainMaxS } = options;
  return fixedProcedure({ segments: segmentsOf(options, state), slo, thresholds, drainMaxS });
}

function segmentsOf(
  options: SweepOptions,
  state: SweepState | undefined,
): readonly SegmentRequest[] {
  const { durationS, warmupS, streams } = options;
  const window = { purpose: "measure", recordS: durationS, requestsMax: 0 } as const;
  const fillS = Math.max(warmupS, FILL_FRACTION * durationS);
  return [
    { ...window, mode: { kind: "serial" }, settleS: warmupS },
    { ...window, mode: { kind: "closed", streams }, settleS: fillS },
    ...ratesOf(options, state).map((ratePerSecond) => ({
      ...window,
      mode: { kind: "open", ratePerSecond } as const,
      settleS: warmupS,
    })),
  ];
}

/** Evenly between floor and ceiling, both left out: they were measured. */
function ratesOf({ points }: SweepOptions, state: SweepState | undefined): readonly number[] {
  const ceiling = state?.ceilingPerSecond ?? 0;
  if (ceiling === 0) return [];
  const measured = state?.floorPerSecond ?? 0;
  const floor = measured < FLOOR_FRACTION_MAX * ceiling ? measured : 0;
  return Array.from(
    { length: points },
    (_, i) => floor + ((i + 1) * (ceiling - floor)) / (points + 1),
  );
}
