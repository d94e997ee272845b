import type { MessageInitShape } from "@bufbuild/protobuf";
import type { AgentFloor } from "../control/control.ts";
import { nsToInt64, safeIntegerFrom } from "./fields.ts";
import type {
  AgentFloor as AgentFloorMessage,
  AgentFloorSchema,
} from "./gen/loadline/v1/run_pb.ts";

export function floorToWire(floor: AgentFloor): MessageInitShape<typeof AgentFloorSchema> {
  return {
    ttftP50Ns: nsToInt64(floor.ttftP50Ns, "floor.ttftP50Ns"),
    ttftP99Ns: nsToInt64(floor.ttftP99Ns, "floor.ttftP99Ns"),
    gapErrorP99Ns: nsToInt64(floor.gapErrorP99Ns, "floor.gapErrorP99Ns"),
    itlErrorP99Ns: nsToInt64(floor.itlErrorP99Ns, "floor.itlErrorP99Ns"),
    sendDelayP50Ns: nsToInt64(floor.sendDelayP50Ns, "floor.sendDelayP50Ns"),
    sendDelayP99Ns: nsToInt64(floor.sendDelayP99Ns, "floor.sendDelayP99Ns"),
  };
}

export function floorFromWire(message: AgentFloorMessage): AgentFloor {
  return {
    ttftP50Ns: safeIntegerFrom(0, message.ttftP50Ns, "floor.ttft_p50_ns"),
    ttftP99Ns: safeIntegerFrom(0, message.ttftP99Ns, "floor.ttft_p99_ns"),
    gapErrorP99Ns: safeIntegerFrom(0, message.gapErrorP99Ns, "floor.gap_error_p99_ns"),
    itlErrorP99Ns: safeIntegerFrom(0, message.itlErrorP99Ns, "floor.itl_error_p99_ns"),
    sendDelayP50Ns: safeIntegerFrom(0, message.sendDelayP50Ns, "floor.send_delay_p50_ns"),
    sendDelayP99Ns: safeIntegerFrom(0, message.sendDelayP99Ns, "floor.send_delay_p99_ns"),
  };
}
