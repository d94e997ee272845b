import type { MessageInitShape } from "@bufbuild/protobuf";
import type { Arrivals } from "../arrivals/arrivals.ts";
import type { ArmedSegment, ArmSegment, Refusal } from "../control/control.ts";
import type { Segment, SegmentMode } from "../segment/segment.ts";
import type { ClockOffset } from "../time/clock-offset.ts";
import {
  check,
  finiteFrom,
  lengthUpTo,
  malformed,
  name,
  nsToInt64,
  positive,
  required,
  safeInteger,
  safeIntegerFrom,
  text,
  toInt64,
  toUint32,
} from "./fields.ts";
import type * as gen from "./gen/loadline/v1/segment_pb.ts";

/** More agents than one coordinator can hold; 1 MiB of shares would hold about 30,000. */
const SHARES_MAX = 20_000;
const SHA256_BYTES = 32;

function arrivalsToWire(arrivals: Arrivals): MessageInitShape<typeof gen.ArrivalsSchema> {
  switch (arrivals.kind) {
    case "constant":
    case "poisson":
      return {
        process: { case: arrivals.kind, value: { ratePerSecond: arrivals.ratePerSecond } },
      };
    case "gamma": {
      const { ratePerSecond, coefficientOfVariation } = arrivals;
      return { process: { case: "gamma", value: { ratePerSecond, coefficientOfVariation } } };
    }
    case "ramp": {
      const { fromRatePerSecond, toRatePerSecond } = arrivals;
      const durationNs = nsToInt64(arrivals.durationNs, "durationNs");
      return {
        process: { case: "ramp", value: { fromRatePerSecond, toRatePerSecond, durationNs } },
      };
    }
  }
}

/** Only processes that an arrival schedule can be made of: rates, durations and variations above 0. */
function arrivalsFromWire(message: gen.Arrivals): Arrivals {
  const { process } = message;
  switch (process.case) {
    case "constant":
    case "poisson":
      return {
        kind: process.case,
        ratePerSecond: positive(process.value.ratePerSecond, "rate_per_second"),
      };
    case "gamma": {
      const { ratePerSecond, coefficientOfVariation } = process.value;
      return {
        kind: "gamma",
        ratePerSecond: positive(ratePerSecond, "rate_per_second"),
        coefficientOfVariation: positive(coefficientOfVariation, "coefficient_of_variation"),
      };
    }
    case "ramp": {
      const { fromRatePerSecond, toRatePerSecond, durationNs } = process.value;
      check(fromRatePerSecond + toRatePerSecond > 0, "both rates of the ramp are 0");
      return {
        kind: "ramp",
        fromRatePerSecond: finiteFrom(0, fromRatePerSecond, "from_rate_per_second"),
        toRatePerSecond: finiteFrom(0, toRatePerSecond, "to_rate_per_second"),
        durationNs: safeIntegerFrom(1, durationNs, "duration_ns"),
      };
    }
    case undefined:
      throw malformed("arrivals names no process");
  }
}

type ModeToWire = NonNullable<MessageInitShape<typeof gen.SegmentSchema>["mode"]>;

function modeToWire(mode: SegmentMode): ModeToWire {
  switch (mode.kind) {
    case "open":
      return { case: "open", value: { arrivals: arrivalsToWire(mode.arrivals) } };
    case "serial":
      return { case: "serial", value: { agentId: mode.agentId } };
    case "closed":
      return { case: "closed", value: { streams: toUint32(mode.streams, "streams") } };
    case "backlog":
      return { case: "backlog", value: { waitingMax: toUint32(mode.waitingMax, "waitingMax") } };
    case "idle":
      return { case: "idle", value: {} };
  }
}

function modeFromWire(mode: gen.Segment["mode"]): SegmentMode {
  switch (mode.case) {
    case "open":
      return {
        kind: "open",
        arrivals: arrivalsFromWire(required(mode.value.arrivals, "open.arrivals")),
      };
    case "serial":
      return { kind: "serial", agentId: name(mode.value.agentId, "serial.agent_id") };
    case "closed":
      return { kind: "closed", streams: mode.value.streams };
    case "backlog":
      return { kind: "backlog", waitingMax: mode.value.waitingMax };
    case "idle":
      return { kind: "idle" };
    case undefined:
      throw malformed("the segment names no mode");
  }
}

function segmentToWire(segment: Segment): MessageInitShape<typeof gen.SegmentSchema> {
  return {
    number: toUint32(segment.number, "number"),
    mode: modeToWire(segment.mode),
    startAtNs: nsToInt64(segment.startAtNs, "startAtNs"),
    recordFromNs: nsToInt64(segment.recordFromNs, "recordFromNs"),
    recordUntilNs: nsToInt64(segment.recordUntilNs, "recordUntilNs"),
    endByNs: nsToInt64(segment.endByNs, "endByNs"),
    requestsMax: toInt64(segment.requestsMax, "requestsMax"),
    shares: segment.shares.map(({ agentId, capacity }) => ({
      agentId,
      capacity: toUint32(capacity, "capacity"),
    })),
    against: segment.against === true,
  };
}

/** Its instants are in order, and an open segment has someone to fire it. */
function segmentFromWire(message: gen.Segment): Segment {
  const segment: Segment = {
    number: message.number,
    mode: modeFromWire(message.mode),
    startAtNs: safeInteger(message.startAtNs, "start_at_ns"),
    recordFromNs: safeInteger(message.recordFromNs, "record_from_ns"),
    recordUntilNs: safeInteger(message.recordUntilNs, "record_until_ns"),
    endByNs: safeInteger(message.endByNs, "end_by_ns"),
    requestsMax: safeIntegerFrom(0, message.requestsMax, "requests_max"),
    shares: lengthUpTo(SHARES_MAX, message.shares, "shares").map((share) => ({
      agentId: name(share.agentId, "shares.agent_id"),
      capacity: share.capacity,
    })),
    ...(message.against ? { against: true as const } : {}),
  };
  checkSegment(segment);
  return segment;
}

function checkSegment(segment: Segment): void {
  const { startAtNs, recordFromNs, recordUntilNs, endByNs } = segment;
  check(segment.number > 0, "segments are numbered from 1");
  check(
    startAtNs <= recordFromNs && recordFromNs <= recordUntilNs && startAtNs <= endByNs,
    "the instants of the segment are out of order",
  );
  if (segment.mode.kind !== "open") return;
  const capacity = segment.shares.reduce((sum, share) => sum + share.capacity, 0);
  check(capacity > 0, "the shares of an open segment sum to 0");
}

function clockOffsetToWire(offset: ClockOffset): MessageInitShape<typeof gen.ClockOffsetSchema> {
  const aheadNs = Math.round(offset.aheadNs);
  // An offset is half a difference: what rounding moves it by must stay within the bound that is promised.
  const errorBoundNs = Math.ceil(offset.errorBoundNs + Math.abs(aheadNs - offset.aheadNs));
  return {
    aheadNs: toInt64(aheadNs, "aheadNs"),
    errorBoundNs: toInt64(errorBoundNs, "errorBoundNs"),
  };
}

function clockOffsetFromWire(message: gen.ClockOffset): ClockOffset {
  return {
    aheadNs: safeInteger(message.aheadNs, "ahead_ns"),
    errorBoundNs: safeIntegerFrom(0, message.errorBoundNs, "error_bound_ns"),
  };
}

export function armSegmentToWire(
  arm: ArmSegment,
): MessageInitShape<typeof gen.ArmSegmentRequestSchema> {
  return {
    runId: arm.runId,
    incarnation: toUint32(arm.incarnation, "incarnation"),
    segment: segmentToWire(arm.segment),
    clockOffset: clockOffsetToWire(arm.clockOffset),
  };
}

export function armSegmentFromWire(message: gen.ArmSegmentRequest): ArmSegment {
  return {
    runId: name(message.runId, "run_id"),
    incarnation: message.incarnation,
    segment: segmentFromWire(required(message.segment, "segment")),
    clockOffset: clockOffsetFromWire(required(message.clockOffset, "clock_offset")),
  };
}

export function armedToWire(armed: ArmedSegment): MessageInitShape<typeof gen.ArmedSegmentSchema> {
  return {
    segmentNumber: toUint32(armed.segmentNumber, "segmentNumber"),
    windowHash: bytesOfHex(armed.windowHash),
    ownedCount: toInt64(armed.ownedCount, "ownedCount"),
    totalCount: toInt64(armed.totalCount, "totalCount"),
  };
}

export function armedFromWire(message: gen.ArmedSegment): ArmedSegment {
  const { windowHash } = message;
  check(
    windowHash.length === 0 || windowHash.length === SHA256_BYTES,
    "window_hash is not a SHA-256",
  );
  return {
    segmentNumber: message.segmentNumber,
    windowHash: hexOfBytes(windowHash),
    ownedCount: safeIntegerFrom(0, message.ownedCount, "owned_count"),
    totalCount: safeIntegerFrom(0, message.totalCount, "total_count"),
  };
}

export function refusalFromWire(message: gen.Refusal): Refusal {
  return {
    code: name(message.code, "refusal.code"),
    message: text(message.message, "refusal.message"),
    hint: text(message.hint, "refusal.hint"),
  };
}

function hexOfBytes(bytes: Uint8Array): string {
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");
}

function bytesOfHex(hex: string): Uint8Array<ArrayBuffer> {
  const bytes = new Uint8Array(hex.length / 2);
  for (let i = 0; i < bytes.length; i++)
    bytes[i] = Number.parseInt(hex.slice(2 * i, 2 * i + 2), 16);
  return bytes;
}
