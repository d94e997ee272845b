import { RequestError, TimeoutError } from "@nats-io/transport-node";
import type { Msg, NatsConnection } from "@nats-io/transport-node";
import type { AgentRequest, AgentResponse } from "../../shared/control/control.ts";
import { ExitCode, LoadError } from "../../shared/errors.ts";
import { signedHeaders } from "../../shared/platform/command-signature.ts";
import { watchConnection } from "../../shared/platform/nats.ts";
import { NatsListener } from "../../shared/platform/nats-listener.ts";
import { fleetSubjects } from "../../shared/platform/nats-subjects.ts";
import type { NkeySigner } from "../../shared/platform/nkey.ts";
import { NS_PER_MS } from "../../shared/units.ts";
import {
  decodeAgentResponse,
  decodeHello,
  encodeAbort,
  encodeAgentRequest,
  encodeLease,
} from "../../shared/wire/control-codec.ts";
import { malformed } from "../../shared/wire/fields.ts";
import type { FleetLink } from "../ports.ts";

export interface NatsFleetLinkOptions {
  /** Stays its owner's: `close` ends the subscriptions and leaves the connection open. */
  readonly connection: NatsConnection;
  readonly fleet: string;
  /** Signs every command; undefined: agents that ask for a signature will refuse. */
  readonly signer?: NkeySigner | undefined;
  /** Told of every message that was refused; for the log. */
  readonly onFault?: ((error: unknown) => void) | undefined;
}

/** The coordinator's control path, and how many messages on it were not messages. */
export interface NatsFleetLink extends FleetLink {
  readonly malformedCount: number;
}

/**
 * `request` rejects with LL_AGENT_SILENT after its time-out, with LL_AGENT_GONE at once when nobody listens
 * under that id, and with LL_MESSAGE_MALFORMED when the answer is none.
 *
 * @throws LoadError LL_NAME_INVALID when `fleet` is not one word of a subject.
 */
export function natsFleetLink(options: NatsFleetLinkOptions): NatsFleetLink {
  const { connection, fleet, signer, onFault } = options;
  const subjects = fleetSubjects(fleet);
  const watch = watchConnection(connection);
  const listener = new NatsListener(connection, onFault);

  const request = async (
    agentId: string,
    agentRequest: AgentRequest,
    timeoutNs: number,
  ): Promise<AgentResponse> => {
    const subject = subjects.agent(agentId);
    const timeout = Math.max(1, Math.ceil(timeoutNs / NS_PER_MS));
    const payload = encodeAgentRequest(agentRequest);
    // A clock probe asks nothing of an agent but the time, and must not wait for a signature.
    const signed =
      signer === undefined || agentRequest.kind === "clock-probe"
        ? {}
        : { headers: signedHeaders(signer, { subject, payload }, Date.now()) };
    let reply: Msg;
    try {
      reply = await connection.request(subject, payload, { timeout, ...signed });
    } catch (cause) {
      throw requestError({ agentId, asked: agentRequest.kind, timeoutMs: timeout }, cause);
    }
    try {
      return decodeAgentResponse(reply.data);
    } catch (fault) {
      listener.fault(fault);
      throw fault;
    }
  };

  return {
    onHello: (handler) => {
      listener.listen(subjects.everyHello, (message) => {
        const hello = decodeHello(message.data);
        // Permissions are by subject: the id inside must not claim to be somebody else's.
        if (message.subject.slice(subjects.everyHello.length - 1) !== hello.agentId) {
          throw malformed(`${message.subject} carries the hello of ${hello.agentId}`);
        }
        handler(hello);
      });
    },
    request,
    publishLease: (lease) => {
      if (watch.up) connection.publish(subjects.lease, encodeLease(lease));
    },
    publishAbort: (abort) => {
      if (!connection.isClosed() && !connection.isDraining())
        connection.publish(subjects.abort, encodeAbort(abort));
    },
    close: () => listener.close(),
    get malformedCount() {
      return listener.malformedCount;
    },
  };
}

interface Asked {
  readonly agentId: string;
  readonly asked: AgentRequest["kind"];
  readonly timeoutMs: number;
}

function requestError({ agentId, asked, timeoutMs }: Asked, cause: unknown): LoadError {
  const exitCode = ExitCode.MeasurementInvalid;
  if (cause instanceof TimeoutError) {
    return new LoadError(`agent ${agentId} did not answer "${asked}" within ${timeoutMs} ms`, {
      code: "LL_AGENT_SILENT",
      hint: "see whether the agent's process and its network are well",
      exitCode,
      cause,
    });
  }
  if (cause instanceof RequestError && cause.isNoResponders()) {
    return new LoadError(`agent ${agentId} was asked "${asked}", but nobody listens by that id`, {
      code: "LL_AGENT_GONE",
      hint: "start the agent again",
      exitCode,
      cause,
    });
  }
  const reason = cause instanceof Error ? cause.message : String(cause);
  return new LoadError(`agent ${agentId} could not be asked "${asked}": ${reason}`, {
    code: "LL_NATS_FAILED",
    hint: "see whether the connection to NATS was closed, or its permissions allow the subject",
    exitCode,
    cause,
  });
}
