import { ExitCode, LoadError } from "../../shared/errors.ts";
import type { Plan } from "./plan.ts";

/** What `plan.json` holds: the resolved plan, and what was true of its run. */
export interface RecordedPlan extends Plan {
  /** Version of Loadline. */
  readonly loadline: string;
  readonly runId: string;
  /** Wall clock of the coordinator, ISO 8601 in UTC. */
  readonly startedAt: string;
  /** As the target was asked for it. */
  readonly model: string;
  /** As the other endpoint was asked for it; left out where there is none. */
  readonly againstModel?: string;
  /** Of the run folder, as it was named then. */
  readonly directory: string;
}

/**
 * Reads `plan.json`. A run is replayed by the code that made its decisions, and by no other.
 *
 * @param place the file, for the message.
 * @throws LoadError LL_RUN_FOLDER_DAMAGED, LL_RUN_VERSION.
 */
export function parseRecordedPlan(
  text: string,
  options: { readonly place: string; readonly version: string },
): RecordedPlan {
  const { place, version } = options;
  const plan = readRecordedPlan(text, place);
  if (plan.loadline === version) return plan;
  throw new LoadError(
    `${place} was written by Loadline ${plan.loadline}, and this is Loadline ${version}`,
    {
      code: "LL_RUN_VERSION",
      hint: `use Loadline ${plan.loadline}: another version may decide otherwise at the same step`,
      exitCode: ExitCode.PlanInvalid,
    },
  );
}

/**
 * `plan.json` of any version: what its run was, for readers who decide nothing anew.
 *
 * @param place the file, for the message. @throws LoadError LL_RUN_FOLDER_DAMAGED
 */
export function readRecordedPlan(text: string, place: string): RecordedPlan {
  const plan = jsonOf(text);
  if (isPlan(plan)) return plan;
  throw new LoadError(`${place} is damaged: it is not the plan of a run`, {
    code: "LL_RUN_FOLDER_DAMAGED",
    hint: "the file was changed after the run, or the disk is at fault; restore it from a copy",
    exitCode: ExitCode.PlanInvalid,
  });
}

function jsonOf(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

const TEXTS = ["loadline", "runId", "startedAt", "model", "directory", "command", "name"] as const;
const OBJECTS = ["target", "workload", "placement", "load"] as const;

/** Whoever wrote it checked the rest. */
function isPlan(value: unknown): value is RecordedPlan {
  if (typeof value !== "object" || value === null) return false;
  const fields = value as Readonly<Record<string, unknown>>;
  return (
    TEXTS.every((name) => typeof fields[name] === "string") &&
    OBJECTS.every((name) => typeof fields[name] === "object" && fields[name] !== null) &&
    Array.isArray(fields["slo"])
  );
}
