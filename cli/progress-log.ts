import type { Logger } from "pino";
import type { RunEvent } from "../coordinator/run/run-contract.ts";
import { probeLine } from "../coordinator/show/progress.ts";

/** What `Progress` tells a person, for a log: one line an event, with its `segment` or `agent`. */
export function logRunEvent(log: Logger, event: RunEvent): void {
  switch (event.kind) {
    case "agents":
      log.info({ agents: event.agentIds }, `${event.agentIds.length} agents`);
      break;
    case "segment": {
      const { segment, request } = event;
      log.info({ segment: segment.number, purpose: request.purpose }, "segment armed");
      break;
    }
    case "observed":
      log.debug(event.live, "interval merged");
      break;
    case "judged": {
      const { segment, verdict, validity } = event.probe;
      log.info({ segment, verdict, validity: validity.verdict }, probeLine(event.probe));
      break;
    }
    case "agent-lost":
      log.warn({ agent: event.agentId }, "the agent is lost: the run goes on without it");
  }
}
