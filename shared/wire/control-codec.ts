import { create, toBinary } from "@bufbuild/protobuf";
import type { MessageInitShape } from "@bufbuild/protobuf";
import type {
  Abort,
  AgentRequest,
  AgentResponse,
  Hello,
  Lease,
  PolicySummary,
} from "../control/control.ts";
import { floorFromWire, floorToWire } from "./floor-codec.ts";
import {
  boundToUint32,
  check,
  finiteFrom,
  lengthUpTo,
  malformed,
  name,
  NAME_LENGTH_MAX,
  nsToInt64,
  parseMessage,
  required,
  safeInteger,
  safeIntegerFrom,
  text,
  toInt64,
  toUint32,
} from "./fields.ts";
import {
  AbortSchema,
  AgentRequestSchema,
  AgentResponseSchema,
  HelloSchema,
  LeaseSchema,
} from "./gen/loadline/v1/run_pb.ts";
import type * as gen from "./gen/loadline/v1/run_pb.ts";
import { prepareRunFromWire, prepareRunToWire, reportAddressFromWire } from "./prepare-codec.ts";
import {
  armedFromWire,
  armedToWire,
  armSegmentFromWire,
  armSegmentToWire,
  refusalFromWire,
} from "./segment-codec.ts";

/*
 * The messages of the control path. Every `decode…` trusts nothing: whatever the bytes are, it gives a value
 * of the domain or throws LL_MESSAGE_MALFORMED. Every `encode…` takes a value of the domain for granted.
 */

const POLICY_TARGETS_MAX = 1_024;

type RequestToWire = NonNullable<MessageInitShape<typeof AgentRequestSchema>["request"]>;
type ResponseToWire = NonNullable<MessageInitShape<typeof AgentResponseSchema>["response"]>;

export function encodeAgentRequest(request: AgentRequest): Uint8Array {
  return toBinary(
    AgentRequestSchema,
    create(AgentRequestSchema, { request: requestToWire(request) }),
  );
}

function requestToWire(request: AgentRequest): RequestToWire {
  switch (request.kind) {
    case "clock-probe":
      return {
        case: "clockProbe",
        value: { sentAtNs: nsToInt64(request.sentAtNs, "sentAtNs") },
      };
    case "prepare-run":
      return { case: "prepareRun", value: prepareRunToWire(request.prepareRun) };
    case "arm-segment":
      return { case: "armSegment", value: armSegmentToWire(request.armSegment) };
    case "attach":
      return { case: "attach", value: { ...runToWire(request), report: request.report } };
    case "stop":
      return { case: "stop", value: { ...runToWire(request), reason: request.reason } };
    case "release":
      return { case: "release", value: runToWire(request) };
    case "drain":
      return { case: "drain", value: {} };
  }
}

export function decodeAgentRequest(bytes: Uint8Array): AgentRequest {
  const { request } = parseMessage(AgentRequestSchema, bytes);
  switch (request.case) {
    case "clockProbe":
      return {
        kind: "clock-probe",
        sentAtNs: safeInteger(request.value.sentAtNs, "sent_at_ns"),
      };
    case "prepareRun":
      return { kind: "prepare-run", prepareRun: prepareRunFromWire(request.value) };
    case "armSegment":
      return { kind: "arm-segment", armSegment: armSegmentFromWire(request.value) };
    case "attach": {
      const report = reportAddressFromWire(required(request.value.report, "report"));
      return { kind: "attach", ...runFromWire(request.value), report };
    }
    case "stop": {
      const reason = text(request.value.reason, "reason");
      return { kind: "stop", ...runFromWire(request.value), reason };
    }
    case "release":
      return { kind: "release", ...runFromWire(request.value) };
    case "drain":
      return { kind: "drain" };
    case undefined:
      throw malformed("the request asks for nothing");
  }
}

interface RunReference {
  readonly runId: string;
  readonly incarnation: number;
}

function runToWire({ runId, incarnation }: RunReference): RunReference {
  return { runId, incarnation: toUint32(incarnation, "incarnation") };
}

function runFromWire({ runId, incarnation }: RunReference): RunReference {
  return { runId: name(runId, "run_id"), incarnation };
}

export function encodeAgentResponse(response: AgentResponse): Uint8Array {
  return toBinary(
    AgentResponseSchema,
    create(AgentResponseSchema, { response: responseToWire(response) }),
  );
}

function responseToWire(response: AgentResponse): ResponseToWire {
  switch (response.kind) {
    case "clock-probe":
      return {
        case: "clockProbe",
        value: {
          requestSentAtNs: nsToInt64(response.requestSentAtNs, "requestSentAtNs"),
          receivedAtNs: nsToInt64(response.receivedAtNs, "receivedAtNs"),
          repliedAtNs: nsToInt64(response.repliedAtNs, "repliedAtNs"),
        },
      };
    case "prepared": {
      const epoch = toInt64(response.epoch, "epoch");
      return {
        case: "prepareRun",
        value: { result: { case: "prepared", value: { epoch } } },
      };
    }
    case "armed":
      return {
        case: "armSegment",
        value: { result: { case: "armed", value: armedToWire(response.armed) } },
      };
    case "attached": {
      const epoch = toInt64(response.epoch, "epoch");
      const spooledReports = toInt64(response.spooledReports, "spooledReports");
      return {
        case: "attach",
        value: { result: { case: "attached", value: { epoch, spooledReports } } },
      };
    }
    case "stopped":
      return { case: "stop", value: {} };
    case "released":
      return { case: "release", value: {} };
    case "leaving":
      return { case: "drain", value: { runId: response.runId ?? "" } };
    case "refusal":
      return { case: "refusal", value: response.refusal };
  }
}

export function decodeAgentResponse(bytes: Uint8Array): AgentResponse {
  const { response } = parseMessage(AgentResponseSchema, bytes);
  switch (response.case) {
    case "clockProbe": {
      const { requestSentAtNs, receivedAtNs, repliedAtNs } = response.value;
      return {
        kind: "clock-probe",
        requestSentAtNs: safeInteger(requestSentAtNs, "request_sent_at_ns"),
        receivedAtNs: safeInteger(receivedAtNs, "received_at_ns"),
        repliedAtNs: safeInteger(repliedAtNs, "replied_at_ns"),
      };
    }
    case "prepareRun":
    case "armSegment":
    case "attach":
      return resultFromWire(response.value.result);
    case "stop":
      return { kind: "stopped" };
    case "release":
      return { kind: "released" };
    case "drain": {
      const { runId } = response.value;
      return { kind: "leaving", runId: runId === "" ? undefined : name(runId, "run_id") };
    }
    case "refusal":
      return { kind: "refusal", refusal: refusalFromWire(response.value) };
    case undefined:
      throw malformed("the response says nothing");
  }
}

type ResultFromWire =
  | gen.PrepareRunResponse["result"]
  | gen.AttachResponse["result"]
  | ArmSegmentResult;
type ArmSegmentResult = Extract<
  gen.AgentResponse["response"],
  { case: "armSegment" }
>["value"]["result"];

function resultFromWire(result: ResultFromWire): AgentResponse {
  switch (result.case) {
    case "prepared":
      return { kind: "prepared", epoch: safeIntegerFrom(0, result.value.epoch, "epoch") };
    case "armed":
      return { kind: "armed", armed: armedFromWire(result.value) };
    case "attached": {
      const { epoch, spooledReports } = result.value;
      return {
        kind: "attached",
        epoch: safeIntegerFrom(0, epoch, "epoch"),
        spooledReports: safeIntegerFrom(0, spooledReports, "spooled_reports"),
      };
    }
    case "refusal":
      return { kind: "refusal", refusal: refusalFromWire(result.value) };
    case undefined:
      throw malformed("the response holds no result");
  }
}

/** Bounds of the policy that are infinite travel as the largest number of their field. */
export function encodeHello(hello: Hello): Uint8Array {
  const { policy } = hello;
  const durationNsMax = Math.min(policy.durationNsMax, Number.MAX_SAFE_INTEGER);
  const message = create(HelloSchema, {
    agentId: hello.agentId,
    epoch: toInt64(hello.epoch, "epoch"),
    version: hello.version,
    host: hello.host,
    processId: toUint32(hello.processId, "processId"),
    cores: toUint32(hello.cores, "cores"),
    inFlightMax: boundToUint32(hello.inFlightMax, "inFlightMax"),
    cleanRatePerSecond: hello.cleanRatePerSecond,
    cleanTokensPerSecond: hello.cleanTokensPerSecond,
    ...(hello.floor === undefined ? {} : { floor: floorToWire(hello.floor) }),
    policy: {
      targets: [...policy.targets],
      ratePerSecondMax: policy.ratePerSecondMax,
      inFlightMax: boundToUint32(policy.inFlightMax, "policy.inFlightMax"),
      durationNsMax: nsToInt64(durationNsMax, "policy.durationNsMax"),
      tokensMax: boundToUint32(policy.tokensMax, "policy.tokensMax"),
    },
    runId: hello.runId ?? "",
    state: hello.state,
  });
  return toBinary(HelloSchema, message);
}

export function decodeHello(bytes: Uint8Array): Hello {
  const message = parseMessage(HelloSchema, bytes);
  return {
    agentId: name(message.agentId, "agent_id"),
    epoch: safeIntegerFrom(0, message.epoch, "epoch"),
    version: text(message.version, "version", NAME_LENGTH_MAX),
    host: text(message.host, "host", NAME_LENGTH_MAX),
    processId: message.processId,
    cores: message.cores,
    inFlightMax: message.inFlightMax,
    cleanRatePerSecond: finiteFrom(0, message.cleanRatePerSecond, "clean_rate_per_second"),
    cleanTokensPerSecond: finiteFrom(0, message.cleanTokensPerSecond, "clean_tokens_per_second"),
    floor: message.floor === undefined ? undefined : floorFromWire(message.floor),
    policy: policyFromWire(required(message.policy, "policy")),
    runId: message.runId === "" ? undefined : name(message.runId, "run_id"),
    state: text(message.state, "state", NAME_LENGTH_MAX),
  };
}

function policyFromWire(message: gen.PolicySummary): PolicySummary {
  const { ratePerSecondMax } = message;
  check(ratePerSecondMax >= 0, "policy.rate_per_second_max is not a bound");
  return {
    targets: lengthUpTo(POLICY_TARGETS_MAX, message.targets, "policy.targets").map((target) =>
      text(target, "policy.targets", NAME_LENGTH_MAX),
    ),
    ratePerSecondMax,
    inFlightMax: message.inFlightMax,
    durationNsMax: safeIntegerFrom(0, message.durationNsMax, "policy.duration_ns_max"),
    tokensMax: message.tokensMax,
  };
}

export function encodeLease(lease: Lease): Uint8Array {
  const message = create(LeaseSchema, {
    ...runToWire(lease),
    segmentNumber: toUint32(lease.segmentNumber, "segmentNumber"),
    expiresInNs: nsToInt64(lease.expiresInNs, "expiresInNs"),
  });
  return toBinary(LeaseSchema, message);
}

export function decodeLease(bytes: Uint8Array): Lease {
  const message = parseMessage(LeaseSchema, bytes);
  return {
    ...runFromWire(message),
    segmentNumber: message.segmentNumber,
    expiresInNs: safeIntegerFrom(0, message.expiresInNs, "expires_in_ns"),
  };
}

export function encodeAbort(abort: Abort): Uint8Array {
  return toBinary(AbortSchema, create(AbortSchema, { runId: abort.runId, reason: abort.reason }));
}

export function decodeAbort(bytes: Uint8Array): Abort {
  const message = parseMessage(AbortSchema, bytes);
  return {
    runId: message.runId === "" ? "" : name(message.runId, "run_id"),
    reason: text(message.reason, "reason"),
  };
}
