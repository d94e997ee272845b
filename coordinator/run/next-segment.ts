import type { Share } from "../../shared/arrivals/share.ts";
import type { Segment } from "../../shared/segment/segment.ts";
import type { Workload } from "../../shared/workload/workload.ts";
import { firstShares, spreadOver } from "../fleet/spread.ts";
import { meanOutputTokens } from "../plan/admission.ts";
import type { RunOptions } from "./run-contract.ts";
import type { RunLedger } from "./run-ledger.ts";
import { type SegmentOptions, segmentOf } from "./segment-of.ts";

type Known = Pick<RunLedger<unknown>, "active" | "driven" | "roster" | "segmentNumber">;

/**
 * The segment that a request asks for, under the ledger's next number, over the agents that are there. An invalid window
 * is repeated with less load on the agents that it was invalid for.
 */
export function nextSegment(
  known: Known,
  { seed, arrivalsOf, workload }: Pick<RunOptions<unknown>, "seed" | "arrivalsOf" | "workload">,
  asked: Pick<SegmentOptions, "request" | "startAtNs">,
): Segment {
  const shares = sharesOf(known, workload);
  return segmentOf({ ...asked, seed, arrivalsOf, number: known.segmentNumber, shares });
}

function sharesOf({ active, driven, roster }: Known, workload: Workload): readonly Share[] {
  const last = driven.at(-1);
  if (last !== undefined)
    return spreadOver(active, last.segment.shares, last.validity.agentIds ?? []);
  const hellos = active.flatMap((agentId) => roster.get(agentId)?.hello ?? []);
  return firstShares(hellos, meanOutputTokens(workload));
}
