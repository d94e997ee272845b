import type { PrepareRun, ReportAddress } from "../../shared/control/control.ts";
import { GEOMETRY } from "../../shared/measurement/histogram.ts";
import { NS_PER_SECOND } from "../../shared/units.ts";
import { countedClauses } from "./counted-clauses.ts";
import type { RunOptions } from "./run-contract.ts";

/** An agent that has heard nothing for this long stops firing. */
export const LEASE_NS = 3 * NS_PER_SECOND;

/** What one agent is told of a run. The in-flight bound of the fleet is shared out evenly. */
export function prepareRunOf(
  options: Omit<RunOptions<unknown>, "admit"> & { readonly inFlightMax: number },
  agent: {
    readonly agentId: string;
    readonly agentIds: readonly string[];
    readonly report: ReportAddress;
  },
): PrepareRun {
  const { runId, incarnation, seed, target, workload, slo, keepRecords, against } = options;
  const agentCount = agent.agentIds.length;
  const place = agent.agentIds.indexOf(agent.agentId);
  const rest = place < options.inFlightMax % agentCount ? 1 : 0;
  return {
    runId,
    incarnation,
    seed,
    target,
    ...(against === undefined ? {} : { against }),
    workload,
    thresholds: countedClauses(slo),
    geometry: GEOMETRY,
    report: agent.report,
    limits: {
      inFlightMax: Math.max(1, Math.floor(options.inFlightMax / agentCount) + rest),
      drainMaxNs: options.drainMaxS * NS_PER_SECOND,
      intervalNs: options.intervalNs,
      leaseNs: LEASE_NS,
    },
    keepRecords,
  };
}
