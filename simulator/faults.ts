import { z } from "zod";
import { driftWarp, slowStartWarp, stallWarp } from "./scheduler/time-warp.ts";
import type { TimeWarp } from "./scheduler/time-warp.ts";
import { readDurationNs } from "./values.ts";
import type { Read } from "./values.ts";

/** What goes wrong with requests; decided when one arrives, from a seeded stream of its own. Absent: never. */
export interface RequestFaults {
  /** Answers this status at once, for a fraction of the requests. */
  readonly error?: { readonly fraction: number; readonly status: number };
  /** Answers 429 at once while more than `waiting` wait for a slot. Without `retryAfterS` no Retry-After is sent. */
  readonly reject?: { readonly waiting: number; readonly retryAfterS?: number };
  /** Closes the connection after so many tokens, without the end of the stream. */
  readonly cut?: { readonly fraction: number; readonly after: number };
  /** Sends an error inside the 200 stream after so many tokens, in the shape's own way. */
  readonly streamError?: { readonly fraction: number; readonly after: number };
  /** Never answers. */
  readonly silent?: { readonly fraction: number };
  /** A slot stays taken until its tokens are through, though the client left. */
  readonly holdSlots?: boolean;
}

/** What disturbs the server's time, from the moment it is asked for (`atNs` counts from then). */
export type TimeFault =
  | { kind: "stall"; atNs: number; durationNs: number; everyNs: number | undefined }
  | { kind: "slow-start"; atNs: number; factor: number; decayNs: number }
  | { kind: "drift"; atNs: number; factor: number; overNs: number };

export interface Faults {
  readonly requests: RequestFaults;
  readonly time: readonly TimeFault[];
}

export const NO_FAULTS: Faults = { requests: {}, time: [] };

/** @param fromNs the instant that the fault's own `atNs` counts from. */
export function warpOf(fault: TimeFault, fromNs: number): TimeWarp {
  const atNs = fromNs + fault.atNs;
  switch (fault.kind) {
    case "stall":
      return stallWarp({ ...fault, atNs });
    case "slow-start":
      return slowStartWarp({ ...fault, atNs });
    case "drift":
      return driftWarp({ ...fault, atNs });
  }
}

const duration = z.string().transform((text, context): number => {
  const read = readDurationNs(text);
  if ("value" in read) return read.value;
  context.addIssue({ code: "custom", message: read.problem });
  return z.NEVER;
});
const durationAboveZero = duration.refine((ns) => ns > 0, "is above 0");
const fraction = z.coerce.number().min(0).max(1);
const after = z.coerce.number().int().min(0).default(1);
const factor = z.coerce.number().min(0.01).max(1000);
const start = duration.default(0);

const faultsSchema = z.strictObject({
  stall: z
    .strictObject({ for: durationAboveZero, at: start, every: duration.optional() })
    .refine((stall) => stall.every === undefined || stall.every > stall.for, {
      message: "is longer than the stall",
      path: ["every"],
    })
    .optional(),
  "slow-start": z.strictObject({ factor, decay: durationAboveZero, at: start }).optional(),
  drift: z.strictObject({ factor, over: durationAboveZero, at: start }).optional(),
  error: z
    .strictObject({ fraction, status: z.coerce.number().int().min(400).max(599).default(500) })
    .optional(),
  reject: z
    .strictObject({
      waiting: z.coerce.number().int().min(0),
      "retry-after": z.coerce.number().int().min(0).optional(),
    })
    .optional(),
  cut: z.strictObject({ fraction, after }).optional(),
  "stream-error": z.strictObject({ fraction, after }).optional(),
  silent: z.strictObject({ fraction }).optional(),
  "hold-slots": z.strictObject({}).optional(),
});

/**
 * Reads faults as JSON names them: `{"stall": {"for": "500ms", "at": "10s", "every": "30s"}, "cut": {"fraction":
 * 0.05, "after": 3}}`. Every problem at once.
 */
export function readFaults(json: unknown): Read<Faults> {
  const parsed = faultsSchema.safeParse(json);
  if (parsed.success) return { value: faultsOf(parsed.data) };
  const problems = parsed.error.issues.map((issue) =>
    issue.path.length === 0 ? issue.message : `${issue.path.join(".")}: ${issue.message}`,
  );
  return { problem: problems.join("; ") };
}

function faultsOf(data: z.output<typeof faultsSchema>): Faults {
  const { stall, drift, error, reject, cut, silent } = data;
  const slowStart = data["slow-start"];
  const streamError = data["stream-error"];
  const time: TimeFault[] = [];
  if (stall) {
    time.push({ kind: "stall", atNs: stall.at, durationNs: stall.for, everyNs: stall.every });
  }
  if (slowStart) {
    const { factor: slowFactor, decay, at } = slowStart;
    time.push({ kind: "slow-start", atNs: at, factor: slowFactor, decayNs: decay });
  }
  if (drift) time.push({ kind: "drift", atNs: drift.at, factor: drift.factor, overNs: drift.over });
  return {
    time,
    requests: {
      ...(error && { error }),
      ...(reject && { reject: rejectOf(reject.waiting, reject["retry-after"]) }),
      ...(cut && { cut }),
      ...(streamError && { streamError }),
      ...(silent && { silent }),
      ...(data["hold-slots"] && { holdSlots: true }),
    },
  };
}

function rejectOf(waiting: number, retryAfterS: number | undefined) {
  return retryAfterS === undefined ? { waiting } : { waiting, retryAfterS };
}

/**
 * Reads faults as the command line writes them: `stall:for=500ms,every=30s; cut:fraction=0.05,after=3; hold-slots`.
 */
export function readFaultText(text: string): Read<Faults> {
  const json: Record<string, Record<string, string>> = {};
  const malformed: string[] = [];
  for (const part of text.split(";")) {
    const [name, fields] = splitOnce(part.trim(), ":");
    if (name === "") continue;
    json[name] = {};
    for (const field of fields?.split(",") ?? []) {
      const [key, value] = splitOnce(field.trim(), "=");
      if (value === undefined) malformed.push(`${name}: "${field}" is no name=value`);
      else json[name][key] = value;
    }
  }
  if (malformed.length > 0) return { problem: malformed.join("; ") };
  return readFaults(json);
}

function splitOnce(text: string, separator: string): [string, string | undefined] {
  const at = text.indexOf(separator);
  return at === -1 ? [text, undefined] : [text.slice(0, at), text.slice(at + 1)];
}
