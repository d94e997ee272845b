import { Histogram } from "../../shared/measurement/histogram.ts";
import { unitsPerTick } from "../../shared/measurement/metric.ts";
import type { Health } from "../../shared/measurement/report.ts";
import { NS_PER_MS, NS_PER_US } from "../../shared/units.ts";
import { likelyCauses } from "./causes.ts";
import type { AgentFacts, WindowFacts } from "./facts.ts";
import { type Finding, invalid, ms } from "./finding.ts";

const SEND_DELAY_NS_MIN = 2 * NS_PER_MS;
const SEND_DELAY_LIMIT_FRACTION = 0.02;
const LOOP_DELAY_NS_MIN = 5 * NS_PER_MS;
const LOOP_DELAY_LIMIT_FRACTION = 0.05;
const UTILISATION_MAX = 0.9;
/** Fewer late ones than this may be chance in a short window. */
const LATE_MIN = 3;

/** The p99 of send delays may be this long. @param limitNs the tightest limit that counts from the intended instant. */
export function sendDelayBoundNs(limitNs: number | undefined): number {
  return Math.max(SEND_DELAY_NS_MIN, SEND_DELAY_LIMIT_FRACTION * (limitNs ?? 0));
}

/** Did each agent send when it should have, and was it free to see answers when they came? */
export function latenessFindings({ agents, intendedLimitNs }: WindowFacts): Finding[] {
  const sentLate = agents.flatMap((agent) => sendDelayFindings(agent, intendedLimitNs));
  const loops = agents.flatMap((agent) => loopFindings(agent, intendedLimitNs));
  const together = sentLate.length > 0 ? [] : sentLateTogether(agents, intendedLimitNs);
  return [...sentLate, ...together, ...loops];
}

function sendDelayFindings(agent: AgentFacts, limitNs: number | undefined): Finding[] {
  const { agentId, sendDelay } = agent;
  const boundNs = sendDelayBoundNs(limitNs);
  if (!p99Above(sendDelay, boundNs)) return [];
  return [
    invalid(
      agentId,
      `agent ${agentId} sent late: send delay p99 ${ms(sendDelay.quantile(0.99))} ms (bound ${ms(boundNs)} ms); use more agents or a lower rate${likelyCauses(agent, sendDelay.quantile(0.99))}`,
    ),
  ];
}

/** A few late ones of each of many agents are many. */
function sentLateTogether(agents: readonly AgentFacts[], limitNs: number | undefined): Finding[] {
  const all = new Histogram(unitsPerTick("send_delay"));
  for (const { sendDelay } of agents) all.add(sendDelay);
  const boundNs = sendDelayBoundNs(limitNs);
  if (!p99Above(all, boundNs)) return [];
  return [
    invalid(
      undefined,
      `the agents together sent late: send delay p99 ${ms(all.quantile(0.99))} ms (bound ${ms(boundNs)} ms); use more agents or a lower rate`,
    ),
  ];
}

/** Whether more than 1 % lie above the bound, and not just one or two: they are no tail. */
function p99Above(delays: Histogram, boundNs: number): boolean {
  const above = delays.countAbove(boundNs);
  return above >= LATE_MIN && above > 0.01 * delays.count;
}

function loopFindings(agent: AgentFacts, limitNs: number | undefined): Finding[] {
  const { agentId, health } = agent;
  const findings: Finding[] = [];
  const boundNs = Math.max(LOOP_DELAY_NS_MIN, LOOP_DELAY_LIMIT_FRACTION * (limitNs ?? 0));
  const loopDelay = mergedLoopDelay(health);
  if (p99Above(loopDelay, boundNs))
    findings.push(
      invalid(
        agentId,
        `agent ${agentId}'s event loop was late: p99 ${ms(loopDelay.quantile(0.99))} ms (bound ${ms(boundNs)} ms); give it a core of its own, or use more agents${likelyCauses(agent, loopDelay.quantile(0.99))}`,
      ),
    );
  const utilisation = meanUtilisation(health);
  if (utilisation > UTILISATION_MAX)
    findings.push(
      invalid(
        agentId,
        `agent ${agentId} was busy ${Math.round(100 * utilisation)} % of the time (bound 90 %); use more agents`,
      ),
    );
  return findings;
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
