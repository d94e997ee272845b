import { NS_PER_MS, NS_PER_SECOND } from "../../shared/units.ts";
import type { AgentFacts } from "./facts.ts";
import { ms, percent } from "./finding.ts";

/** A pause of the collector, or a stretch without CPU, that a window does not notice. */
const GC_PAUSE_NS_MAX = 2 * NS_PER_MS;
const GC_FRACTION_MAX = 0.02;
const THROTTLED_FRACTION_MAX = 0.01;
/** Agents are heard of each second, by report or heartbeat. */
const SILENCE_NS_MAX = 1.5 * NS_PER_SECOND;

/**
 * What probably made an agent late, from what it measured of itself; empty where nothing stands out. A cause is no
 * fault by itself: it only explains one.
 *
 * @param lateNs how late it was, where that is known: pauses that add up to less than half of it explain nothing.
 */
export function likelyCauses(agent: AgentFacts, lateNs = 0): string {
  const causes = [throttling(agent), collection(agent, lateNs), silence(agent), lostReports(agent)];
  const known = causes.filter((cause) => cause !== undefined);
  return known.length === 0 ? "" : `; likely cause: ${known.join(", and ")}`;
}

function windowNs({ health }: AgentFacts): number {
  return health.reduce((sum, { fromNs, toNs }) => sum + toNs - fromNs, 0);
}

function throttling(agent: AgentFacts): string | undefined {
  const throttledNs = agent.health.reduce((sum, each) => sum + each.throttledNs, 0);
  if (throttledNs <= THROTTLED_FRACTION_MAX * windowNs(agent)) return undefined;
  return `its CPU quota held it (or its cgroup) back for ${ms(throttledNs)} ms of the window: raise the quota`;
}

function collection(agent: AgentFacts, lateNs: number): string | undefined {
  const pausedNs = agent.health.reduce((sum, each) => sum + each.gcPauseSeconds, 0) * NS_PER_SECOND;
  const pauses = agent.health.reduce((sum, each) => sum + each.gcPauses, 0);
  const meanNs = pauses === 0 ? 0 : pausedNs / pauses;
  const stands = meanNs > GC_PAUSE_NS_MAX || pausedNs > GC_FRACTION_MAX * windowNs(agent);
  if (!stands || pausedNs < lateNs / 2) return undefined;
  const part = percent(pausedNs / Math.max(1, windowNs(agent)));
  return `${pauses} garbage collections paused it for ${ms(pausedNs)} ms (${part} of the window)`;
}

function silence({ silenceNs }: AgentFacts): string | undefined {
  if (silenceNs <= SILENCE_NS_MAX) return undefined;
  return `nothing was heard of it for ${ms(silenceNs)} ms: its process or its network stood still`;
}

function lostReports({ health }: AgentFacts): string | undefined {
  const lost = Math.max(0, ...health.map((each) => each.reportsLost));
  return lost === 0 ? undefined : `it had no more room for ${lost} reports that nobody took`;
}
