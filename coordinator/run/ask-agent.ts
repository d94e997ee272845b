import type { AgentRequest, AgentResponse } from "../../shared/control/control.ts";
import { ExitCode, LoadError } from "../../shared/errors.ts";
import { type Clock, sleepUntil } from "../../shared/time/clock.ts";
import { NS_PER_MS, NS_PER_SECOND } from "../../shared/units.ts";
import type { FleetLink } from "../ports.ts";

/** A request or its answer is lost with the server that carried it: it is sent again after this. */
const REQUEST_TIMEOUT_NS = 2 * NS_PER_SECOND;
/** Longer than an agent may be silent: one whose NATS server ended is back on another by then. */
const ASK_FOR_NS = 5 * NS_PER_SECOND;
const ASK_AGAIN_AFTER_NS = 100 * NS_PER_MS;
/** A released agent first reports what it still holds. */
const RELEASE_FOR_NS = 20 * NS_PER_SECOND;

/** Where agents are asked. */
export interface Asking {
  readonly link: FleetLink;
  readonly clock: Clock;
}

/**
 * Asks one agent, again where its answer does not come. Agents carry a request out once however often it is asked.
 *
 * @throws LoadError LL_AGENT_SILENT or LL_AGENT_GONE when it does not answer at all.
 */
export async function askAgent(
  { link, clock }: Asking,
  agentId: string,
  request: AgentRequest,
): Promise<AgentResponse> {
  const askedAtNs = clock.nowNs();
  for (;;) {
    try {
      return await link.request(agentId, request, REQUEST_TIMEOUT_NS);
    } catch (error) {
      if (!isAway(error) || clock.nowNs() >= askedAtNs + patienceNs(request, error)) throw error;
    }
    await sleepUntil(clock, clock.nowNs() + ASK_AGAIN_AFTER_NS);
  }
}

/** Whether the agent, rather than what it was asked, is the reason. */
export function isAway(error: unknown): boolean {
  return (
    error instanceof LoadError &&
    (error.code === "LL_AGENT_GONE" || error.code === "LL_AGENT_SILENT")
  );
}

/** What an agent refuses, as an error of this process. */
export function refused(agentId: string, response: AgentResponse): LoadError {
  const refusal =
    response.kind === "refusal"
      ? response.refusal
      : { code: "LL_AGENT_ANSWER", message: `an unexpected ${response.kind} answer`, hint: "" };
  return new LoadError(`agent ${agentId} refuses: ${refusal.message}`, {
    code: refusal.code,
    hint: refusal.hint === "" ? "run the same version of Loadline everywhere" : refusal.hint,
    exitCode: ExitCode.MeasurementInvalid,
  });
}

/** Nobody listens under the id of an agent that ended; one that only does not answer yet may be busy with the last reports. */
function patienceNs({ kind }: AgentRequest, error: unknown): number {
  const isGone = error instanceof LoadError && error.code === "LL_AGENT_GONE";
  return kind === "release" && !isGone ? RELEASE_FOR_NS : ASK_FOR_NS;
}
