import type { Segment } from "../../shared/segment/segment.ts";
import type { AgentLosses } from "./agent-losses.ts";
import type { FleetControl } from "./fleet-control.ts";
import type { EndDecision } from "./run-log.ts";

const LEAD_ROUND_TRIPS = 20;
/** So much of the lead must be left when every agent has answered. */
const LEAD_LEFT_FRACTION = 0.25;
const ATTEMPTS = 4;

export interface ArmingInput {
  /** From the wish to the start, ns, at least. */
  readonly leadNs: number;
  /** The segment as it starts so many ns from now, on the agents that are there now. */
  readonly segmentIn: (leadNs: number) => Segment;
  /** On the run's clock. */
  readonly nowNs: () => number;
  readonly losses: Pick<AgentLosses, "take">;
  /** The segment starts nowhere; another number takes its place. */
  readonly onRearm: (segment: Segment) => Promise<void>;
}

export interface Armed {
  readonly segment: Segment;
  readonly windowHash: string;
}

/**
 * Arms a segment on every agent, ahead of its start; anew, under another number, where agents are gone by then. Returns
 * what ends the run instead, if that is what their loss does.
 */
export async function armInTime(
  control: Pick<FleetControl, "arm" | "worstRoundTripNs">,
  { segmentIn, nowNs, losses, onRearm, ...input }: ArmingInput,
): Promise<Armed | EndDecision> {
  let leadNs = Math.max(input.leadNs, LEAD_ROUND_TRIPS * control.worstRoundTripNs);
  for (let attempt = 1; ; attempt += 1) {
    const segment = segmentIn(leadNs);
    const { windowHash, awayIds } = await control.arm(segment);
    // A lease that comes after the start lets nobody start: answers that were long in coming want another instant.
    const isTooLate = segment.startAtNs - nowNs() < LEAD_LEFT_FRACTION * leadNs;
    if (awayIds.length === 0 && (!isTooLate || attempt >= ATTEMPTS)) return { segment, windowHash };
    const cut = await losses.take(awayIds);
    if (cut !== undefined) return cut;
    await onRearm(segment);
    if (isTooLate) leadNs *= 2;
  }
}
