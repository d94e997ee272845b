import type { Refusal } from "../shared/control/control.ts";
import { LoadError } from "../shared/errors.ts";

export const LEAVING: Refusal = {
  code: "LL_AGENT_LEAVING",
  message: "the agent was asked to drain, and takes no further run",
  hint: "use other agents, or start it again",
};

export function abandoned(runId: string): Refusal {
  return {
    code: "LL_RUN_STOPPED",
    message: `run ${runId} was given up on this agent while it was being prepared`,
    hint: "prepare a new run",
  };
}

/** What a coordinator is told of something that failed here. */
export function refusalOf(error: unknown): Refusal {
  if (error instanceof LoadError)
    return { code: error.code, message: error.message, hint: error.hint };
  const message = error instanceof Error ? error.message : String(error);
  return { code: "LL_AGENT_FAILED", message, hint: "this is a bug in Loadline: please report it" };
}
