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
  /** The process of each agent that took part: one that is free by now has told all it had to a coordinator between. */
  readonly epochs: ReadonlyMap<string, number>;
}

/** Who takes part from here on, and who of them has told all that it did for the run before. */
export interface TakenBack {
  readonly agents: readonly Hello[];
  readonly toldIds: readonly string[];
}

/**
 * Takes the agents back that the run holds: each sends what it had not reported first, and is then free. One that went
 * away meanwhile is left out.
 *
 * @throws LoadError LL_COORDINATOR_ALIVE when the coordinator before is not dead.
 */
export async function takeBack(
  asking: Asking,
  there: readonly Hello[],
  successor: Successor,
): Promise<TakenBack> {
  const answers = await Promise.all(
    there.map(async (hello) => ({ hello, answer: await answerOf(asking, hello, successor) })),
  );
  return {
    agents: answers.flatMap(({ hello, answer }) => (answer === "away" ? [] : [hello])),
    toldIds: answers.flatMap(({ hello, answer }) => (answer === "told" ? [hello.agentId] : [])),
  };
}

async function answerOf(
  asking: Asking,
  { agentId, epoch, ...hello }: Hello,
  successor: Successor,
): Promise<"told" | "new" | "away"> {
  const { runId, incarnation, epochs } = successor;
  const whenFree = epochs.get(agentId) === epoch ? "told" : "new";
  if (hello.runId === undefined) return whenFree;
  try {
    if (!(await isAttached(asking, agentId, successor))) return whenFree;
    await askAgent(asking, agentId, { kind: "release", runId, incarnation });
    return "told";
  } catch (error) {
    if (isAway(error)) return "away";
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
