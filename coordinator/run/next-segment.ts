import type { Segment } from "../../shared/segment/segment.ts";
import { spreadOver } from "../fleet/spread.ts";
import type { RunLedger } from "./run-ledger.ts";
import { type SegmentOptions, segmentOf } from "./segment-of.ts";

/**
 * The segment that a request asks for, under the ledger's next number, over the agents that are there. An invalid window
 * is repeated with less load on the agents that it was invalid for.
 */
export function nextSegment(
  {
    active,
    driven,
    segmentNumber,
  }: Pick<RunLedger<unknown>, "active" | "driven" | "segmentNumber">,
  options: Omit<SegmentOptions, "number" | "shares">,
): Segment {
  const last = driven.at(-1);
  const shares = spreadOver(active, last?.segment.shares, last?.validity.agentIds ?? []);
  return segmentOf({ ...options, number: segmentNumber, shares });
}
