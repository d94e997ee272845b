import { longestLimitS } from "../one-rate-verdict.ts";
import type { SegmentRequest } from "../procedure.ts";
import type { Move } from "./move.ts";
import { confirmS, settleS } from "./timing.ts";

const RECORD_MIN_S = 2;

/** A window of the low end by itself, for the one-rate verdict. */
export function confirmRequest({ options, state }: Move, ratePerSecond: number): SegmentRequest {
  const change = Math.abs(ratePerSecond / Math.max(state.ratePerSecond, 1e-9) - 1);
  const settling = settleS(options, state, { rate: ratePerSecond, change });
  return {
    purpose: "probe",
    mode: { kind: "open", ratePerSecond },
    settleS: settling,
    recordS: Math.max(
      RECORD_MIN_S,
      confirmS(options) - state.latencyS - settling - longestLimitS(options.slo),
    ),
    requestsMax: 0,
  };
}
