import type { Hello, ReportAddress } from "../../shared/control/control.ts";
import { ExitCode, LoadError } from "../../shared/errors.ts";
import { sleepUntil } from "../../shared/time/clock.ts";
import { NS_PER_MS, NS_PER_SECOND } from "../../shared/units.ts";
import { type Asking, askAgent, isAway, refused } from "./ask-agent.ts";
import { LEASE_NS } from "./prepare-run-of.ts";

/** An agent lets a new coordinator in once the lease of the one before has lapsed: a killed one's has by then. */
const LAPSE_WITHIN_NS = LEASE_NS + 2 * NS_PER_SECOND;
const ASK_AGAIN_AFTER_NS = 250 * NS_PER_MS;

/** A coordinator that goes on where another was killed. */
export interface Successor {
  readonly runId: string;
  readonly incarnation: number;
  readonly report: ReportAddress;
}

/**
 * Takes the agents back that the run holds: each sends what it had not reported first, and is then free. Returns those
 * that may take part from here on; one that went away meanwhile is left out.
 *
 * @throws LoadError LL_COORDINATOR_ALIVE when the coordinator before is not dead.
 */
export async function takeBack(
  asking: Asking,
  agents: readonly Hello[],
  successor: Successor,
): Promise<readonly Hello[]> {
  const taken = await Promise.all(
    agents.map(async (hello) => {
      if (hello.runId === undefined) return hello;
      return (await isTakenBack(asking, hello.agentId, successor)) ? hello : undefined;
    }),
  );
  return taken.flatMap((hello) => hello ?? []);
}

async function isTakenBack(
  asking: Asking,
  agentId: string,
  { runId, incarnation, report }: Successor,
): Promise<boolean> {
  try {
    if (!(await isAttached(asking, agentId, { runId, incarnation, report }))) return true;
    await askAgent(asking, agentId, { kind: "release", runId, incarnation });
    return true;
  } catch (error) {
    if (isAway(error)) return false;
    throw error;
  }
}

/** False when the agent holds nothing of the run any more. */
async function isAttached(
  asking: Asking,
  agentId: string,
  { runId, incarnation, report }: Successor,
): Promise<boolean> {
  const untilNs = asking.clock.nowNs() + LAPSE_WITHIN_NS;
  for (;;) {
    const request = { kind: "attach", runId, incarnation, report } as const;
    const response = await askAgent(asking, agentId, request);
    if (response.kind === "attached") return true;
    const code = response.kind === "refusal" ? response.refusal.code : undefined;
    if (code === "LL_AGENT_NOT_PREPARED") return false;
    if (code !== "LL_COORDINATOR_ALIVE") throw refused(agentId, response);
    if (asking.clock.nowNs() >= untilNs) throw notDead(runId, agentId);
    await sleepUntil(asking.clock, asking.clock.nowNs() + ASK_AGAIN_AFTER_NS);
  }
}

function notDead(runId: string, agentId: string): LoadError {
  return new LoadError(
    `run ${runId} is to be resumed, but agent ${agentId} still hears the coordinator that drives it`,
    {
      code: "LL_COORDINATOR_ALIVE",
      hint: "let that coordinator end, or end it; a run has one at a time",
      exitCode: ExitCode.PlanInvalid,
    },
  );
}
