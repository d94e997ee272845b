import type { Arrivals } from "../../shared/arrivals/arrivals.ts";
import { openSchedule } from "../../shared/arrivals/schedule.ts";
import type { Share } from "../../shared/arrivals/share.ts";
import type { Segment, SegmentMode } from "../../shared/segment/segment.ts";
import { NS_PER_SECOND, NS_PER_US } from "../../shared/units.ts";
import type { SegmentRequest } from "../search/procedure.ts";

/** How long load goes on after a window while the search makes up its mind, s. */
const HOLD_S = 20;

export interface SegmentOptions {
  readonly request: SegmentRequest;
  readonly number: number;
  readonly seed: number;
  /** Run clock, ns. */
  readonly startAtNs: number;
  readonly shares: readonly Share[];
  /** The plan's arrival process at a rate, over the length of the window. */
  readonly arrivalsOf: (ratePerSecond: number, durationS: number) => Arrivals;
}

/** The segment that carries out a request: instants, arrivals and shares filled in. */
export function segmentOf(options: SegmentOptions): Segment {
  const { request, number, shares } = options;
  const startAtNs = Math.round(options.startAtNs);
  const mode = modeOf(options);
  const recordFromNs = startAtNs + Math.round(request.settleS * NS_PER_SECOND);
  const bounds = boundsOf(options, mode, { startAtNs, recordFromNs });
  // A measured window ends its load unless a cool-down is asked for; a probe's goes on, so that the next segment
  // follows without a gap.
  const holdS = request.holdS ?? (request.purpose === "measure" ? 0 : HOLD_S);
  return {
    number,
    mode,
    startAtNs,
    recordFromNs,
    recordUntilNs: bounds.recordUntilNs,
    endByNs: bounds.recordUntilNs + Math.round(holdS * NS_PER_SECOND),
    requestsMax: bounds.requestsMax,
    shares,
    ...(request.against === true ? { against: true } : {}),
  };
}

function modeOf({ request, shares, arrivalsOf }: SegmentOptions): SegmentMode {
  switch (request.mode.kind) {
    case "open":
      return {
        kind: "open",
        arrivals: arrivalsOf(request.mode.ratePerSecond, request.settleS + request.recordS),
      };
    case "serial":
      return { kind: "serial", agentId: shares[0]?.agentId ?? "" };
    case "closed":
    case "backlog":
    case "idle":
      return request.mode;
  }
}

/** Where the recorded window ends: after its time, or right after the last of so many scheduled requests. */
function boundsOf(
  { request, number, seed }: SegmentOptions,
  mode: SegmentMode,
  instants: { readonly startAtNs: number; readonly recordFromNs: number },
): { readonly recordUntilNs: number; readonly requestsMax: number } {
  const { startAtNs, recordFromNs } = instants;
  if (request.requestsMax === 0 || mode.kind !== "open") {
    const recordUntilNs = recordFromNs + Math.round(request.recordS * NS_PER_SECOND);
    return { recordUntilNs, requestsMax: request.requestsMax };
  }
  const schedule = openSchedule(mode.arrivals, { seed, segment: number });
  let recorded = 0;
  let requestsMax = 0;
  let lastAtNs = recordFromNs;
  while (recorded < request.requestsMax) {
    lastAtNs = startAtNs + schedule.nextAtNs();
    requestsMax += 1;
    if (lastAtNs >= recordFromNs) recorded += 1;
  }
  // The load after the window has no count of its own: the segment's end bounds it.
  const isHeld = (request.holdS ?? 0) > 0;
  return { recordUntilNs: lastAtNs + NS_PER_US, requestsMax: isHeld ? 0 : requestsMax };
}
