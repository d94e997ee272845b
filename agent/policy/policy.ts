import { BlockList } from "node:net";
import type { Arrivals } from "../../shared/arrivals/arrivals.ts";
import type { PolicySummary, PrepareRun, Refusal } from "../../shared/control/control.ts";
import type { Segment, SegmentMode } from "../../shared/segment/segment.ts";
import { NS_PER_SECOND } from "../../shared/units.ts";
import type { Lengths } from "../../shared/workload/workload.ts";
import { holdsAddress, parseTargetPattern, type TargetPattern } from "./target-pattern.ts";

/** A target with the addresses its name had when the run was prepared; only these are connected to. */
export interface ResolvedTarget {
  /** Lower case, an IPv6 address without brackets. */
  readonly host: string;
  readonly port: number;
  /** IP addresses, without brackets; at least one. */
  readonly addresses: readonly string[];
}

/** What an agent may fire at when its operator says nothing. */
export const LOOPBACK_TARGETS: readonly string[] = ["127.0.0.0/8:*", "[::1]:*", "localhost:*"];

/** Standard deviations within which every draw of a plan is taken to lie: 2 in a thousand million lie outside. */
const DRAW_SIGMAS = 6;

/**
 * Reads the policy once, so that a mistake in it is told at the start and not by the first plan.
 *
 * @throws LoadError LL_POLICY_PATTERN_INVALID.
 */
export function assertPolicy(policy: PolicySummary): void {
  policy.targets.forEach(parseTargetPattern);
}

/**
 * Why this agent will not take the run, or undefined when it may. The operator's word is the last one: nothing in a
 * plan changes it.
 *
 * @throws LoadError LL_POLICY_PATTERN_INVALID for a policy that `assertPolicy` would not have let pass.
 */
export function checkPlan(
  policy: PolicySummary,
  prepareRun: PrepareRun,
  resolved: ResolvedTarget,
): Refusal | undefined {
  return (
    checkTarget(policy, resolved) ??
    checkInFlight(policy, prepareRun.limits.inFlightMax) ??
    checkTokens(policy, prepareRun)
  );
}

/** Why this agent will not take its share of the segment, or undefined when it may. */
export function checkSegment(
  policy: PolicySummary,
  segment: Segment,
  agentId: string,
): Refusal | undefined {
  const share = shareOf(segment, agentId);
  const durationNs = segment.endByNs - segment.startAtNs;
  if (durationNs > policy.durationNsMax) {
    return refusal(
      "LL_POLICY_DURATION",
      `segment ${segment.number} lasts ${durationNs / NS_PER_SECOND} s, and this agent's operator allows ${policy.durationNsMax / NS_PER_SECOND} s`,
      "shorten the plan, or start the agent with a larger --max-duration",
    );
  }
  const ratePerSecond = peakRatePerSecond(segment.mode) * share;
  if (ratePerSecond > policy.ratePerSecondMax) {
    return refusal(
      "LL_POLICY_RATE",
      `this agent's share of segment ${segment.number} is ${ratePerSecond} requests/s, and its operator allows ${policy.ratePerSecondMax}`,
      "lower the rate, add agents, or start this one with a larger --max-rate",
    );
  }
  return checkInFlight(policy, Math.floor(streamsOf(segment.mode) * share));
}

/** Addresses that answer with a machine's secrets, or are only meant for it: never a target, whatever is allowed. */
const FORBIDDEN = forbiddenAddresses();

function forbiddenAddresses(): BlockList {
  const list = new BlockList();
  list.addSubnet("169.254.0.0", 16, "ipv4");
  list.addAddress("100.100.100.200", "ipv4");
  list.addSubnet("fe80::", 10, "ipv6");
  list.addAddress("fd00:ec2::254", "ipv6");
  // The same IPv4 addresses, by way of a translator (RFC 6052).
  list.addSubnet("64:ff9b::a9fe:0", 112, "ipv6");
  list.addAddress("64:ff9b::6464:64c8", "ipv6");
  return list;
}

function checkTarget(policy: PolicySummary, resolved: ResolvedTarget): Refusal | undefined {
  const where = `${resolved.host}:${resolved.port} (${resolved.addresses.join(", ")})`;
  if (resolved.addresses.some((address) => holdsAddress(FORBIDDEN, address))) {
    return refusal(
      "LL_POLICY_TARGET_FORBIDDEN",
      `the target ${where} is a link-local or metadata address, which no agent fires at`,
      "give the server an address of its own",
    );
  }
  if (!isAllowed(policy.targets.map(parseTargetPattern), resolved)) {
    return refusal(
      "LL_POLICY_TARGET",
      `the target ${where} is not among those this agent's operator allows: ${policy.targets.join(", ")}`,
      `start the agent with --allow ${bracketed(resolved.host)}:${resolved.port}`,
    );
  }
  return undefined;
}

/** By its name, or by each of its addresses: one that is not allowed might be the one connected to. */
function isAllowed(patterns: readonly TargetPattern[], resolved: ResolvedTarget): boolean {
  const { host, port, addresses } = resolved;
  const onPort = patterns.filter((pattern) => pattern.port === undefined || pattern.port === port);
  return (
    addresses.length > 0 &&
    (onPort.some(({ name }) => name === "*" || name === host) ||
      addresses.every((address) =>
        onPort.some((pattern) => holdsAddress(pattern.addresses, address)),
      ))
  );
}

function checkInFlight(policy: PolicySummary, inFlightMax: number): Refusal | undefined {
  return inFlightMax > policy.inFlightMax
    ? refusal(
        "LL_POLICY_IN_FLIGHT",
        `the plan asks this agent for ${inFlightMax} requests in flight, and it takes ${policy.inFlightMax} at most: its operator's bound, or the sockets that its system allows`,
        "lower --max-in-flight of the plan, add agents, or start this one with a larger --max-in-flight and limit of open files",
      )
    : undefined;
}

function checkTokens(policy: PolicySummary, { workload }: PrepareRun): Refusal | undefined {
  const tokens = Math.max(...workload.classes.map(({ outputTokens }) => largestDraw(outputTokens)));
  return tokens > policy.tokensMax
    ? refusal(
        "LL_POLICY_TOKENS",
        `the plan may ask for ${tokens} output tokens in one request, and this agent's operator allows ${policy.tokensMax}`,
        "shorten --output-tokens, or start the agent with a larger --max-tokens",
      )
    : undefined;
}

/** The most tokens a draw is taken to give; for distributions without an end, at six standard deviations. */
function largestDraw(lengths: Lengths): number {
  switch (lengths.kind) {
    case "fixed":
      return lengths.tokens;
    case "uniform":
      return lengths.high;
    case "normal":
      return Math.ceil(lengths.mean + DRAW_SIGMAS * lengths.standardDeviation);
    case "lognormal": {
      // Of the logarithm: σ² = ln(1 + CV²), μ = ln(mean) − σ²/2.
      const variance = Math.log1p(lengths.coefficientOfVariation ** 2);
      return Math.ceil(lengths.mean * Math.exp(DRAW_SIGMAS * Math.sqrt(variance) - variance / 2));
    }
    case "empirical":
      return lengths.values.reduce((largest, value) => Math.max(largest, value), 0);
  }
}

function shareOf({ shares }: Segment, agentId: string): number {
  const total = shares.reduce((sum, share) => sum + share.capacity, 0);
  const own = shares.find((share) => share.agentId === agentId)?.capacity ?? 0;
  return total === 0 ? 0 : own / total;
}

/** Of the whole fleet; 0 where the server's answers set the pace, which the in-flight bound holds. */
function peakRatePerSecond(mode: SegmentMode): number {
  return mode.kind === "open" ? peakOf(mode.arrivals) : 0;
}

function peakOf(arrivals: Arrivals): number {
  return arrivals.kind === "ramp"
    ? Math.max(arrivals.fromRatePerSecond, arrivals.toRatePerSecond)
    : arrivals.ratePerSecond;
}

function streamsOf(mode: SegmentMode): number {
  switch (mode.kind) {
    case "closed":
      return mode.streams;
    case "backlog":
      return mode.waitingMax;
    case "serial":
      return 1;
    case "open":
    case "idle":
      return 0;
  }
}

function refusal(code: string, message: string, hint: string): Refusal {
  return { code, message, hint };
}

function bracketed(host: string): string {
  return host.includes(":") ? `[${host}]` : host;
}
