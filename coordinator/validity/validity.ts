import type { Counters } from "../../shared/measurement/counters.ts";
import { Histogram } from "../../shared/measurement/histogram.ts";
import type { Health } from "../../shared/measurement/report.ts";
import { NS_PER_MS, NS_PER_US } from "../../shared/units.ts";

/** Can a number be trusted? It is about the generator, never about the server. */
export interface Validity {
  readonly verdict: "valid" | "suspect" | "invalid";
  /** Sentences: who, what was seen, what the bound is. */
  readonly reasons: readonly string[];
}

/** What is known of one agent over one window. */
export interface AgentFacts {
  readonly agentId: string;
  readonly counters: Counters;
  readonly sendDelay: Histogram;
  /** Only intervals that lie in the window. */
  readonly health: readonly Health[];
  readonly clockErrorBoundNs: number;
  readonly lost: boolean;
  /** It fired the segment, rather than the one before. */
  readonly switched: boolean;
}

export interface WindowFacts {
  readonly agents: readonly AgentFacts[];
  /** The tightest limit that counts from the intended instant, ns; undefined without one. */
  readonly tightestLimitNs: number | undefined;
  /** Reports that do not add up or are missing. */
  readonly problems: readonly string[];
}

/** Bounds of 03-measurement's table; a figure beyond its bound makes the window invalid. */
export const VALIDITY_BOUNDS = {
  firedFractionMin: 0.99,
  sendDelayNsMin: 2 * NS_PER_MS,
  sendDelayLimitFraction: 0.02,
  loopDelayNsMin: 5 * NS_PER_MS,
  loopDelayLimitFraction: 0.05,
  utilisationMax: 0.9,
  clockErrorBoundNsMax: 5 * NS_PER_MS,
} as const;

/** Fewer late ones than this may be chance in a short window. */
const LATE_MIN = 3;

/** Judges the generator over one window, agent by agent. */
export function judgeGenerator(facts: WindowFacts): Validity {
  const invalid = [...facts.problems];
  const suspect: string[] = [];
  for (const agent of facts.agents) {
    invalid.push(
      ...offeredReasons(agent),
      ...sendDelayReasons(agent, facts.tightestLimitNs),
      ...loopReasons(agent, facts.tightestLimitNs),
    );
    if (agent.lost) invalid.push(`agent ${agent.agentId} was lost in this window`);
    if (!agent.switched)
      invalid.push(`agent ${agent.agentId} did not start the segment: its lease came too late`);
    if (agent.clockErrorBoundNs > VALIDITY_BOUNDS.clockErrorBoundNsMax)
      suspect.push(
        `agent ${agent.agentId}: its clock is only known to ±${ms(agent.clockErrorBoundNs)} ms (bound 5 ms): arrivals of different agents may be that far out of step`,
      );
  }
  if (invalid.length > 0) return { verdict: "invalid", reasons: [...invalid, ...suspect] };
  return { verdict: suspect.length > 0 ? "suspect" : "valid", reasons: suspect };
}

/** The worse of two verdicts, with the reasons of both. */
export function worseOf(a: Validity, b: Validity): Validity {
  const rank = { valid: 0, suspect: 1, invalid: 2 } as const;
  return {
    verdict: rank[a.verdict] >= rank[b.verdict] ? a.verdict : b.verdict,
    reasons: [...new Set([...a.reasons, ...b.reasons])],
  };
}

function offeredReasons({ agentId, counters }: AgentFacts): string[] {
  const reasons: string[] = [];
  const { droppedSocket, droppedPolicy, notOfferedAborted } = counters;
  if (droppedSocket > 0)
    reasons.push(`agent ${agentId} had no socket for ${droppedSocket} arrivals`);
  if (droppedPolicy > 0)
    reasons.push(`agent ${agentId}'s policy kept ${droppedPolicy} arrivals back`);
  const { scheduled, fired, droppedInFlightBound } = counters;
  // A drop at the in-flight bound is overload: a violation of the SLO, not a fault of the generator.
  const offered = fired + droppedInFlightBound;
  if (scheduled > 0 && offered / scheduled < VALIDITY_BOUNDS.firedFractionMin)
    reasons.push(
      `agent ${agentId} offered ${offered} of ${scheduled} arrivals (${notOfferedAborted} held back)`,
    );
  return reasons;
}

function sendDelayReasons(
  { agentId, sendDelay }: AgentFacts,
  limitNs: number | undefined,
): string[] {
  const boundNs = Math.max(
    VALIDITY_BOUNDS.sendDelayNsMin,
    VALIDITY_BOUNDS.sendDelayLimitFraction * (limitNs ?? 0),
  );
  if (!p99Above(sendDelay, boundNs)) return [];
  return [
    `agent ${agentId} sent late: send delay p99 ${ms(sendDelay.quantile(0.99))} ms (bound ${ms(boundNs)} ms); use more agents or a lower rate`,
  ];
}

/** Whether more than 1 % lie above the bound, and not just one or two: they are no tail. */
function p99Above(delays: Histogram, boundNs: number): boolean {
  const above = delays.countAbove(boundNs);
  return above >= LATE_MIN && above > 0.01 * delays.count;
}

function loopReasons({ agentId, health }: AgentFacts, limitNs: number | undefined): string[] {
  const reasons: string[] = [];
  const boundNs = Math.max(
    VALIDITY_BOUNDS.loopDelayNsMin,
    VALIDITY_BOUNDS.loopDelayLimitFraction * (limitNs ?? 0),
  );
  const loopDelay = mergedLoopDelay(health);
  if (p99Above(loopDelay, boundNs))
    reasons.push(
      `agent ${agentId}'s event loop was late: p99 ${ms(loopDelay.quantile(0.99))} ms (bound ${ms(boundNs)} ms)`,
    );
  const utilisation = meanUtilisation(health);
  if (utilisation > VALIDITY_BOUNDS.utilisationMax)
    reasons.push(
      `agent ${agentId} was busy ${Math.round(100 * utilisation)} % of the time (bound 90 %); use more agents`,
    );
  return reasons;
}

/** Quantiles do not add up, so the merged histogram is asked. */
function mergedLoopDelay(health: readonly Health[]): Histogram {
  const merged = new Histogram(NS_PER_US);
  for (const each of health) merged.add(each.eventLoopDelay);
  return merged;
}

/** Weighted by time. */
function meanUtilisation(health: readonly Health[]): number {
  let busyNs = 0;
  let wholeNs = 0;
  for (const each of health) {
    busyNs += each.eventLoopUtilisation * (each.toNs - each.fromNs);
    wholeNs += each.toNs - each.fromNs;
  }
  return wholeNs === 0 ? 0 : busyNs / wholeNs;
}

function ms(ns: number): string {
  return (ns / NS_PER_MS).toFixed(1);
}
