import { randomBytes } from "node:crypto";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { parsePlan } from "../coordinator/plan/parse.ts";
import type { Plan } from "../coordinator/plan/plan.ts";
import { renderJson } from "../coordinator/show/json.ts";
import type { Result } from "../coordinator/show/result.ts";
import { renderTerminal } from "../coordinator/show/terminal.ts";
import { ExitCode } from "../shared/errors.ts";
import { dryRun } from "./dry-run.ts";
import { readFlagFile } from "./flag-file.ts";
import { agentCountOf, onAgents } from "./on-agents.ts";
import { resolvedAgainstOf, resolvedTargetOf } from "./resolved-target.ts";
import { apartTelling, TELL_A_PERSON } from "./telling.ts";
import { readVersion } from "./version.ts";

/** `find`, `run` and `sweep`: from what was typed to the process's exit code. */
export async function measure(
  command: Plan["command"],
  typed: Readonly<Record<string, unknown>>,
): Promise<ExitCode> {
  const { telling, flags } = apartTelling(typed);
  const plan = parsePlan({
    command,
    flags,
    ...(await planFileOf(flags)),
    readText: (path) => readFileSync(path, "utf8"),
  });
  if (plan.dryRun) {
    process.stdout.write(dryRun(plan, agentCountOf(plan)));
    return ExitCode.Done;
  }
  const result = await measurePlan(plan, telling);
  return printResult(result, plan.json);
}

/** The result on standard output; returns what the process ends with. */
export function printResult(result: Result, json: boolean): ExitCode {
  const color = process.stdout.isTTY && process.env["NO_COLOR"] === undefined;
  process.stdout.write(json ? renderJson(result) : renderTerminal(result, { color }));
  return result.exitCode;
}

/** Runs a plan with its own agents, or on a fleet. */
export async function measurePlan(plan: Plan, telling = TELL_A_PERSON): Promise<Result> {
  return await onAgents({
    plan,
    telling,
    target: await resolvedTargetOf(plan),
    against: await resolvedAgainstOf(plan),
    directory: plan.outDir ?? join("runs", `${timeName(new Date())}-${plan.name}`),
    version: readVersion(),
    runId: newRunId(),
  });
}

async function planFileOf(
  flags: Record<string, unknown>,
): Promise<{ planFile?: { name: string; text: string } }> {
  const name = flags["plan"];
  if (typeof name !== "string") return {};
  return { planFile: { name, text: await readFlagFile("--plan", name, "a plan file") } };
}

function newRunId(): string {
  return randomBytes(6).toString("hex");
}

/** 20261125-184501: sorts by time, and is a file name everywhere. */
function timeName(date: Date): string {
  return date.toISOString().replace(/[-:]/g, "").replace("T", "-").slice(0, 15);
}
