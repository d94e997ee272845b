import type { Unloaded } from "../unloaded.ts";
import type { Anchor } from "./anchor.ts";
import type { Block } from "./block.ts";

/** Why the load was stopped, and what follows. */
export type DrainReason = "after-saturation" | "after-hot-block";

/**
 * Where a tail-surface search stands. Plain JSON: absent is null.
 *
 * `blocks` is all that the fits know; everything else says what to do next.
 */
export interface TailState {
  readonly step:
    | "calibrate"
    | "warm-up"
    | "ramp"
    | "saturate"
    | "drain"
    | "ceiling"
    | "focus"
    | "confirm";
  /** Segments up to this number are decided; what is still observed of them is read as `previous` only. */
  readonly decidedSegment: number;
  /** From the wish for a segment until it starts, s: as the last switches showed it. */
  readonly latencyS: number;
  /** When the current segment was asked for, since the run's start, s; null once the latency is known of it. */
  readonly askedAtS: number | null;
  readonly unloaded: Unloaded | null;
  /** Coefficient of variation of the unloaded end-to-end time. */
  readonly unloadedCv: number | null;
  /** Offered in the current segment (or the one that a drain follows), and in the one before. */
  readonly ratePerSecond: number;
  readonly previousRatePerSecond: number;
  readonly blocks: readonly Block[];
  /** Lowest ramp rate that plainly violated a clause. */
  readonly violatingPerSecond: number | null;
  /** Throughput of first tokens in the ramp step that tripped: what stands in for a saturation never measured. */
  readonly trippedPerSecond: number | null;
  readonly anchor: Anchor | null;
  readonly estimatePerSecond: number | null;
  /** Mean time in system near the estimate, s. */
  readonly residenceS: number;
  /** Focus blocks begun: the offsets cycle by it. */
  readonly focusCount: number;
  /** Clean focus blocks in a row above 0.95 λ_s. */
  readonly cleanBlocks: number;
  readonly drainReason: DrainReason;
  /** How long the drain after saturation took, s. */
  readonly recoveredS: number | null;
  readonly isRecovered: boolean;
  /** No other block fits in behind the current one. */
  readonly isLast: boolean;
  /** The answer that a confirming window is judging: its low end. */
  readonly looks: number;
  /** Windows in a row that the generator spoilt, and the rate it could not hold. */
  readonly voids: number;
  readonly generatorCeilingPerSecond: number | null;
  readonly notes: readonly string[];
}

export const INITIAL_STATE: TailState = {
  step: "calibrate",
  decidedSegment: 0,
  latencyS: 2.7,
  askedAtS: null,
  unloaded: null,
  unloadedCv: null,
  ratePerSecond: 0,
  previousRatePerSecond: 0,
  blocks: [],
  violatingPerSecond: null,
  trippedPerSecond: null,
  anchor: null,
  estimatePerSecond: null,
  residenceS: 0,
  focusCount: 0,
  cleanBlocks: 0,
  drainReason: "after-saturation",
  recoveredS: null,
  isRecovered: true,
  isLast: false,
  looks: 0,
  voids: 0,
  generatorCeilingPerSecond: null,
  notes: [],
};
