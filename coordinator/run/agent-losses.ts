import { SILENCE_NS } from "./gather.ts";
import type { RunOptions, RunPorts } from "./run-contract.ts";
import type { RunLedger } from "./run-ledger.ts";
import type { EndDecision, RunLogEntry } from "./run-log.ts";

export interface AgentLossesOptions {
  readonly ledger: Pick<RunLedger<unknown>, "active" | "agentIds" | "roster" | "merge">;
  readonly ports: Pick<RunPorts, "clock" | "onEvent">;
  readonly onAgentLoss: RunOptions<unknown>["onAgentLoss"];
  /** Writes an entry down and applies it. */
  readonly log: (entry: Extract<RunLogEntry, { kind: "agent-lost" }>) => Promise<void>;
}

/** Notices agents that are lost, and what that means for the run. */
export class AgentLosses {
  readonly #options: AgentLossesOptions;

  constructor(options: AgentLossesOptions) {
    this.#options = options;
  }

  /** Agents that fell silent take no part any more. Returns what ends the run for want of agents, if anything. */
  async check(): Promise<EndDecision | undefined> {
    const { ledger, ports } = this.#options;
    return this.take(ledger.roster.missing(ledger.active, ports.clock.nowNs(), SILENCE_NS));
  }

  /** As `check`, of agents that are known to be gone. */
  async take(agentIds: readonly string[]): Promise<EndDecision | undefined> {
    const { ledger, ports, log } = this.#options;
    for (const agentId of agentIds) {
      const { totals, open } = ledger.merge.totalsOf(agentId);
      await log({ kind: "agent-lost", agentId, firedCount: totals.fired, open });
      ports.onEvent({ kind: "agent-lost", agentId });
    }
    return this.#end();
  }

  #end(): EndDecision | undefined {
    const { active, agentIds, roster } = this.#options.ledger;
    if (active.length === 0)
      return { kind: "agents-lost", reason: `every agent was lost (${agentIds.join(", ")})` };
    const lost = agentIds.filter((agentId) => roster.get(agentId)?.lost === true);
    if (lost.length === 0 || this.#options.onAgentLoss === "continue") return undefined;
    const reason = `${lost.join(", ")} lost, and --on-agent-loss is fail`;
    return { kind: "agents-lost", reason };
  }
}
