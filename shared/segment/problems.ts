import { arrivalsProblems } from "../arrivals/problems.ts";
import { SHARE_PLACES_MAX, sharePlaces } from "../arrivals/share.ts";
import type { Segment, SegmentMode } from "./segment.ts";

/** Whether the mode's requests are known before it starts: only then are there a hash and a departure test. */
export function isScheduled(
  mode: SegmentMode,
): mode is Extract<SegmentMode, { readonly kind: "open" }> {
  return mode.kind === "open";
}

/** What is wrong with a segment, every problem at once, one sentence each; empty when nothing is. */
export function segmentProblems(segment: Segment): string[] {
  return [
    ...numberProblems(segment),
    ...instantProblems(segment),
    ...modeProblems(segment),
    ...shareProblems(segment),
  ];
}

function numberProblems({ number, requestsMax }: Segment): string[] {
  const problems: string[] = [];
  if (!Number.isSafeInteger(number) || number < 1) {
    problems.push(`a segment's number must be a whole number from 1, not ${number}`);
  }
  if (!Number.isSafeInteger(requestsMax) || requestsMax < 0) {
    problems.push(`requestsMax must be a whole number, 0 for no bound, not ${requestsMax}`);
  }
  return problems;
}

function instantProblems(segment: Segment): string[] {
  const { startAtNs, recordFromNs, recordUntilNs, endByNs } = segment;
  const instants = [startAtNs, recordFromNs, recordUntilNs, endByNs];
  if (!instants.every((atNs) => Number.isSafeInteger(atNs) && atNs >= 0)) {
    return [`a segment's instants must be whole ns, at least 0, not ${instants.join(", ")}`];
  }
  const problems: string[] = [];
  if (startAtNs >= endByNs) {
    problems.push(`a segment must end after it starts: startAt ${startAtNs}, endBy ${endByNs} ns`);
  }
  if (startAtNs > recordFromNs || recordFromNs > recordUntilNs || recordUntilNs > endByNs) {
    problems.push(
      `the recorded window must be ordered and within its segment: ` +
        `startAt ≤ recordFrom ≤ recordUntil ≤ endBy, not ${instants.join(", ")} ns`,
    );
  }
  return problems;
}

function modeProblems({ mode, shares }: Segment): string[] {
  switch (mode.kind) {
    case "open":
      return arrivalsProblems(mode.arrivals);
    case "serial":
      return shares.some((share) => share.agentId === mode.agentId)
        ? []
        : [`the agent of a serial segment must have a share, and "${mode.agentId}" has none`];
    case "closed":
      return wholeFromOne(mode.streams, "the streams of a closed segment");
    case "backlog":
      return wholeFromOne(mode.waitingMax, "waitingMax of a backlog segment");
    case "idle":
      return [];
  }
}

function wholeFromOne(value: number, name: string): string[] {
  if (Number.isSafeInteger(value) && value >= 1) return [];
  return [`${name} must be a whole number from 1, not ${value}`];
}

function shareProblems({ mode, shares }: Segment): string[] {
  if (mode.kind === "idle") return [];
  if (shares.length === 0) return ["a segment that sends must name at least one agent's share"];

  const problems: string[] = [];
  const seen = new Set<string>();
  for (const { agentId, capacity } of shares) {
    if (seen.has(agentId)) problems.push(`agent "${agentId}" must have one share, not several`);
    seen.add(agentId);
    if (!Number.isSafeInteger(capacity) || capacity < 0) {
      problems.push(
        `the capacity of agent "${agentId}" must be whole, at least 0, not ${capacity}`,
      );
    }
  }
  if (!shares.some((share) => share.capacity > 0)) {
    problems.push("the capacities of a segment's shares must add up to more than 0");
  }
  if (problems.length === 0 && sharePlaces(shares) > SHARE_PLACES_MAX) {
    problems.push(
      `the capacities of ${shares.length} agents must make a pattern of at most ` +
        `${SHARE_PLACES_MAX} places, not ${sharePlaces(shares)}: round them to few whole numbers`,
    );
  }
  return problems;
}
