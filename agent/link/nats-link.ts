import type { Msg, NatsConnection } from "@nats-io/transport-node";
import type { AgentRequest, AgentResponse, Refusal } from "../../shared/control/control.ts";
import { LoadError } from "../../shared/errors.ts";
import { whyNotSigned } from "../../shared/platform/command-signature.ts";
import { watchConnection } from "../../shared/platform/nats.ts";
import { NatsListener } from "../../shared/platform/nats-listener.ts";
import { fleetSubjects } from "../../shared/platform/nats-subjects.ts";
import {
  decodeAbort,
  decodeAgentRequest,
  decodeLease,
  encodeAgentResponse,
  encodeHello,
} from "../../shared/wire/control-codec.ts";
import type { ControlLink } from "../ports.ts";

export interface NatsAgentLinkOptions {
  /** Stays its owner's: `close` ends the subscriptions and leaves the connection open. */
  readonly connection: NatsConnection;
  readonly fleet: string;
  readonly agentId: string;
  /** Public nkeys: commands are carried out only with the signature of one of them. Empty: any command is. */
  readonly signers?: readonly string[];
  /** Told of every message that was refused and every request that failed; for the log. */
  readonly onFault?: ((error: unknown) => void) | undefined;
}

/** The agent's control path, and how many messages on it were not messages. */
export interface NatsAgentLink extends ControlLink {
  readonly malformedCount: number;
}

/** @throws LoadError LL_NAME_INVALID when `fleet` or `agentId` is not one word of a subject. */
export function natsAgentLink(options: NatsAgentLinkOptions): NatsAgentLink {
  const { connection, fleet, agentId, signers = [], onFault } = options;
  const subjects = fleetSubjects(fleet);
  const requestSubject = subjects.agent(agentId);
  const helloSubject = subjects.hello(agentId);
  const watch = watchConnection(connection);
  const listener = new NatsListener(connection, onFault);

  const refusalOfUnsigned = (request: AgentRequest, message: Msg): Refusal | undefined =>
    signers.length === 0 || request.kind === "clock-probe"
      ? undefined
      : whyNotSigned(message, signers, Date.now());

  const answer = async (
    message: Msg,
    handler: (request: AgentRequest) => Promise<AgentResponse>,
  ): Promise<void> => {
    let response: AgentResponse;
    try {
      // Called within the read itself, so that a clock probe waits behind nothing but its own decoding.
      const request = decodeAgentRequest(message.data);
      const refusal = refusalOfUnsigned(request, message);
      if (refusal !== undefined) listener.fault(refusal);
      response = refusal === undefined ? await handler(request) : { kind: "refusal", refusal };
    } catch (fault) {
      listener.fault(fault);
      response = { kind: "refusal", refusal: refusalOf(fault) };
    }
    try {
      message.respond(encodeAgentResponse(response));
    } catch (fault) {
      listener.fault(fault);
    }
  };

  return {
    hello: (hello) => {
      if (watch.up) connection.publish(helloSubject, encodeHello(hello));
    },
    onRequest: (handler) => {
      listener.listen(requestSubject, (message) => void answer(message, handler));
    },
    onLease: (handler) => {
      listener.listen(subjects.lease, (message) => {
        handler(decodeLease(message.data));
      });
    },
    onAbort: (handler) => {
      listener.listen(subjects.abort, (message) => {
        handler(decodeAbort(message.data));
      });
    },
    close: () => listener.close(),
    get malformedCount() {
      return listener.malformedCount;
    },
  };
}

function refusalOf(fault: unknown): Refusal {
  if (fault instanceof LoadError) {
    return { code: fault.code, message: fault.message, hint: fault.hint };
  }
  return {
    code: "LL_AGENT_FAILED",
    message: `the agent failed: ${fault instanceof Error ? fault.message : String(fault)}`,
    hint: "see the agent's log; this is a bug in Loadline, please report it",
  };
}
