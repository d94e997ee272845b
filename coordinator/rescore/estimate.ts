import type { Slo } from "../../shared/slo/slo.ts";
import { thresholdTable } from "../../shared/slo/thresholds.ts";
import type { WindowObserved } from "../search/procedure.ts";
import { type Block, blockOf } from "../search/tail/block.ts";
import { estimateRate, halfWidthOf } from "../search/tail/estimate.ts";
import { modelsOf } from "../search/tail/models.ts";

/** The highest rate within another SLO, as far as windows that were measured for the first one tell. Requests/s. */
export interface RescoredRate {
  readonly requestsPerSecond: number;
  readonly low: number;
  readonly high: number;
  readonly confidence: number;
  /** Text of the clause that binds; null where nothing came near a limit. */
  readonly boundBy: string | null;
  /** Between which rates windows were measured. */
  readonly measuredFrom: number;
  readonly measuredTo: number;
  /** It lies outside them: the model speaks, not a measurement. */
  readonly isExtrapolated: boolean;
}

const FOCUS_BLOCKS_MIN = 2;
/** Half-width beyond which the counts have said nothing. */
const HALF_WIDTH_MAX = 0.6;

/** An estimate, or why there is none. */
export type RescoredEstimate =
  | { readonly rate: RescoredRate; readonly reason: "" }
  | { readonly rate: null; readonly reason: string };

/**
 * Where the tail surface of all windows meets the other SLO: the same fit that a search answers by (search/tail),
 * on counts over the new limits. Windows lie where the first SLO's search wanted them, so it may be wide.
 */
export function estimateRescored(
  windows: readonly WindowObserved[],
  options: {
    readonly slo: Slo;
    readonly confidence: number;
    readonly saturation: { readonly requestsPerSecond: number; readonly relativeSd: number } | null;
  },
): RescoredEstimate {
  const { slo, confidence, saturation } = options;
  if (saturation === null) {
    return none("the run did not measure saturation, which one end of the fit hangs on");
  }
  const thresholds = thresholdTable(slo).map((each) => each.thresholds);
  const blocks = windows
    .map((window) => blockOf({ slo, thresholds }, window, kindOf(window)))
    .filter((block) => block.kind === "unloaded" || block.ratePerSecond > 0);
  const focus = blocks.filter(({ kind }) => kind === "focus");
  if (focus.length < FOCUS_BLOCKS_MIN) {
    return none(`${focus.length} windows of a constant rate are too few for a fit`);
  }
  const estimate = estimateRate(modelsOf(slo, thresholds), {
    blocks,
    anchor: {
      ratePerSecond: saturation.requestsPerSecond,
      relativeSd: saturation.relativeSd,
      isAtLeast: false,
      raised: 0,
    },
    tail: (1 - confidence) / 2,
    thorough: true,
  });
  if (!(halfWidthOf(estimate) <= HALF_WIDTH_MAX)) {
    return none("the windows lie too far from where this SLO would be broken: measure with it");
  }
  const rates = blocks
    .filter(({ kind }) => kind !== "unloaded")
    .map((block) => block.ratePerSecond);
  const [measuredFrom, measuredTo] = [Math.min(...rates), Math.max(...rates)];
  const { ratePerSecond, lowPerSecond, highPerSecond, binding } = estimate;
  return {
    rate: {
      requestsPerSecond: ratePerSecond,
      low: lowPerSecond,
      high: highPerSecond,
      confidence,
      boundBy: Number.isFinite(binding.ratePerSecond) ? binding.model.clause.text : null,
      measuredFrom,
      measuredTo,
      isExtrapolated: ratePerSecond < measuredFrom || ratePerSecond > measuredTo,
    },
    reason: "",
  };
}

function none(reason: string): RescoredEstimate {
  return { rate: null, reason };
}

function kindOf({ request }: WindowObserved): Block["kind"] {
  if (request.mode.kind === "serial") return "unloaded";
  return request.purpose === "ramp" ? "ramp" : "focus";
}
