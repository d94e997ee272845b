import { randomBytes } from "node:crypto";
import { readFileSync } from "node:fs";
import { readFile } from "node:fs/promises";
import { availableParallelism } from "node:os";
import { join } from "node:path";
import { listModels, pickModel } from "../agent/endpoint/probe.ts";
import { startBroker } from "../coordinator/broker/server.ts";
import { conduct } from "../coordinator/main.ts";
import { parsePlan } from "../coordinator/plan/parse.ts";
import { type Plan, resolveTarget } from "../coordinator/plan/plan.ts";
import { renderJson } from "../coordinator/show/json.ts";
import type { Result } from "../coordinator/show/result.ts";
import { renderTerminal } from "../coordinator/show/terminal.ts";
import type { Target } from "../shared/control/control.ts";
import { ExitCode, LoadError } from "../shared/errors.ts";
import { connectNats } from "../shared/platform/nats.ts";
import { SystemClock } from "../shared/platform/system-clock.ts";
import { dryRun } from "./dry-run.ts";
import { startLocalAgents } from "./local-agents.ts";
import { Progress } from "./progress.ts";
import { readVersion } from "./version.ts";
import { waitUntilReady } from "./wait-ready.ts";

/** `find` and `run`: from what was typed to the process's exit code. */
export async function measure(
  command: "find" | "run",
  flags: Record<string, unknown>,
): Promise<ExitCode> {
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
  const result = await measurePlan(plan);
  process.stdout.write(
    plan.json
      ? renderJson(result)
      : renderTerminal(result, {
          color: process.stdout.isTTY && process.env["NO_COLOR"] === undefined,
        }),
  );
  return result.exitCode;
}

/** Runs a plan with its own agents, or on a fleet. */
export async function measurePlan(plan: Plan): Promise<Result> {
  const target = await resolvedTargetOf(plan);
  const interrupt = interruptSignal();
  const progress = new Progress(process.stderr);
  const directory = plan.outDir ?? join("runs", `${timeName(new Date())}-${plan.name}`);
  const common = { plan, target, directory, version: readVersion(), interrupt, runId: newRunId() };
  try {
    return plan.placement.kind === "local"
      ? await onLocalAgents(common, progress)
      : await onFleet({ ...common, placement: plan.placement }, progress);
  } finally {
    progress.close();
  }
}

interface Measuring {
  readonly plan: Plan;
  readonly target: Target;
  readonly directory: string;
  readonly version: string;
  readonly interrupt: AbortSignal;
  readonly runId: string;
}

const LOCAL_FLEET = "local";

async function onLocalAgents(measuring: Measuring, progress: Progress): Promise<Result> {
  const token = randomBytes(24).toString("hex");
  const agentsMin = agentCountOf(measuring.plan);
  const broker = await startBroker({ token, clock: new SystemClock() });
  const agents = startLocalAgents({
    count: agentsMin,
    natsUrl: broker.url,
    fleet: LOCAL_FLEET,
    token,
    // Whoever types the target here is the operator of these agents.
    allow: ["127.0.0.0/8:*", "[::1]:*", hostPortOf(measuring.target.url)],
    targetUrl: measuring.target.url,
    inFlightMax: measuring.plan.maxInFlight,
  });
  try {
    const connection = await connectNats({ servers: [broker.url], clientId: "coordinator", token });
    const conducted = conduct({
      ...measuring,
      agentsMin,
      connection,
      fleet: LOCAL_FLEET,
      token,
      reportListen: "127.0.0.1:0",
      reportAdvertise: undefined,
      onEvent: (event) => {
        progress.on(event);
      },
    }).finally(() => connection.close());
    return await Promise.race([conducted, agents.failed]);
  } finally {
    await agents.close();
    await broker.close();
  }
}

async function onFleet(
  measuring: Measuring & { readonly placement: Extract<Plan["placement"], { kind: "fleet" }> },
  progress: Progress,
): Promise<Result> {
  const { placement, ...rest } = measuring;
  const token = process.env["LOADLINE_TOKEN"];
  const connection = await connectNats({
    servers: [placement.natsUrl],
    clientId: `coordinator-${measuring.runId}`,
    token,
  });
  try {
    return await conduct({
      ...rest,
      agentsMin: placement.minAgents,
      connection,
      fleet: placement.fleet,
      token: token ?? "",
      reportListen: placement.reportListen ?? "127.0.0.1:0",
      reportAdvertise: placement.reportAdvertise,
      onEvent: (event) => {
        progress.on(event);
      },
    });
  } finally {
    await connection.close();
  }
}

async function planFileOf(
  flags: Record<string, unknown>,
): Promise<{ planFile?: { name: string; text: string } }> {
  const name = flags["plan"];
  if (typeof name !== "string") return {};
  try {
    return { planFile: { name, text: await readFile(name, "utf8") } };
  } catch (cause) {
    throw new LoadError(`--plan names ${name}, which cannot be read`, {
      code: "LL_FILE_UNREADABLE",
      hint: "give the path of a plan file",
      exitCode: ExitCode.PlanInvalid,
      cause,
    });
  }
}

/**
 * The list of models is asked for when the plan leaves the model open, or waits for the target: nothing else reaches
 * the target before the first arrival.
 */
async function resolvedTargetOf({ target, waitReadyS }: Plan): Promise<Target> {
  const caPem = target.caFile === undefined ? undefined : await readCa(target.caFile);
  const access = {
    url: target.url,
    headers: target.headers,
    apiKey: target.apiKeyEnv === undefined ? undefined : process.env[target.apiKeyEnv],
    caPem,
    tlsInsecure: target.tlsInsecure,
    clock: new SystemClock(),
  };
  if (waitReadyS !== undefined) await waitUntilReady(access, waitReadyS);
  const model = target.model ?? pickModel(await listModels(access), undefined);
  return resolveTarget(target, { model, caPem });
}

async function readCa(file: string): Promise<string> {
  try {
    return await readFile(file, "utf8");
  } catch (cause) {
    throw new LoadError(`--ca names ${file}, which cannot be read`, {
      code: "LL_FILE_UNREADABLE",
      hint: "give the path of a PEM file",
      exitCode: ExitCode.PlanInvalid,
      cause,
    });
  }
}

/** Aborted by the first Ctrl-C, so that what was measured is saved; the second ends the process at once. */
function interruptSignal(): AbortSignal {
  const controller = new AbortController();
  const onSignal = (): void => {
    if (controller.signal.aborted) process.exit(ExitCode.Interrupted);
    process.stderr.write(
      "\nloadline: interrupted; saving what was measured (again: stop at once)\n",
    );
    controller.abort();
  };
  process.on("SIGINT", onSignal);
  process.on("SIGTERM", onSignal);
  return controller.signal;
}

function agentCountOf({ placement }: Plan): number {
  if (placement.kind === "fleet") return placement.minAgents;
  return placement.agents ?? Math.max(1, availableParallelism() - 1);
}

function hostPortOf(url: string): string {
  const { hostname, port, protocol } = new URL(url);
  return `${hostname}:${port === "" ? (protocol === "https:" ? "443" : "80") : port}`;
}

function newRunId(): string {
  return randomBytes(6).toString("hex");
}

/** 20261125-184501: sorts by time, and is a file name everywhere. */
function timeName(date: Date): string {
  return date.toISOString().replace(/[-:]/g, "").replace("T", "-").slice(0, 15);
}
