import { randomBytes } from "node:crypto";
import { availableParallelism, constants, setPriority } from "node:os";
import { startBroker } from "../coordinator/broker/server.ts";
import { conduct, type ConductOptions } from "../coordinator/main.ts";
import type { Plan } from "../coordinator/plan/plan.ts";
import type { Result } from "../coordinator/show/result.ts";
import { ExitCode, LoadError } from "../shared/errors.ts";
import { connectNats } from "../shared/platform/nats.ts";
import { SystemClock } from "../shared/platform/system-clock.ts";
import { joinFleet } from "./join-fleet.ts";
import { startLocalAgents } from "./local-agents.ts";
import { startTelling, type Telling, type TellingOptions } from "./telling.ts";

/** A run, before it is known who sends for it. */
export interface Measuring
  extends Pick<
    ConductOptions,
    "plan" | "target" | "against" | "directory" | "version" | "runId" | "replayed"
  > {
  readonly telling: TellingOptions;
}

/** Conducts a run with its own agents, or on a fleet, and tells how it goes. */
export async function onAgents(run: Measuring): Promise<Result> {
  const { telling: told, ...measuring } = run;
  const { command, placement } = run.plan;
  const telling = await startTelling(told, { ...run, command });
  const common = { ...measuring, interrupt: interruptSignal() };
  try {
    return placement.kind === "local"
      ? await onLocalAgents(common, telling)
      : await onFleet({ ...common, placement }, telling);
  } finally {
    await telling.close();
  }
}

type Interruptible = Omit<Measuring, "telling"> & { readonly interrupt: AbortSignal };

const LOCAL_FLEET = "local";

async function onLocalAgents(measuring: Interruptible, telling: Telling): Promise<Result> {
  const token = randomBytes(24).toString("hex");
  const agentsMin = agentCountOf(measuring.plan);
  const broker = await startBroker({ token, clock: new SystemClock() });
  const targetUrls = [measuring.target, measuring.against].flatMap((each) => each?.url ?? []);
  const agents = startLocalAgents({
    count: agentsMin,
    natsUrl: broker.url,
    fleet: LOCAL_FLEET,
    token,
    // Whoever types the target here is the operator of these agents.
    allow: ["127.0.0.0/8:*", "[::1]:*", ...targetUrls.map(hostPortOf)],
    targetUrls,
    inFlightMax: measuring.plan.maxInFlight,
  });
  yieldToAgents();
  let isGathered = false;
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
        if (event.kind === "agents") isGathered = true;
        telling.on(event);
      },
    }).finally(() => connection.close());
    // Once the run has its agents, it knows by itself what to do without one of them.
    const failed = agents.failed.catch((cause: unknown) => {
      if (isGathered) return conducted;
      throw agentEnded(cause);
    });
    return await Promise.race([conducted, failed]);
  } finally {
    await agents.close();
    await broker.close();
  }
}

function agentEnded(cause: unknown): LoadError {
  return new LoadError("an agent of this command ended by itself before the run began", {
    code: "LL_AGENT_WORKER_ENDED",
    hint: "its own words stand above; run again once that is cured",
    exitCode: ExitCode.Unexpected,
    cause,
  });
}

/**
 * A coordinator can wait some ms, the agents beside it cannot. After they are started, since a child has its parent's
 * priority.
 */
function yieldToAgents(): void {
  try {
    setPriority(constants.priority.PRIORITY_BELOW_NORMAL);
  } catch {
    // Not ours to ask for on this machine; the send delay will tell whether it mattered.
  }
}

async function onFleet(
  measuring: Interruptible & { readonly placement: Extract<Plan["placement"], { kind: "fleet" }> },
  telling: Telling,
): Promise<Result> {
  const { placement, ...rest } = measuring;
  const fleet = await joinFleet(placement);
  try {
    return await conduct({
      ...rest,
      agentsMin: placement.minAgents,
      connection: fleet.connection,
      fleet: fleet.name,
      token: fleet.token,
      reportTls: fleet.identity,
      signer: fleet.signer,
      reportListen: placement.reportListen ?? "127.0.0.1:0",
      reportAdvertise: placement.reportAdvertise,
      onEvent: (event) => {
        telling.on(event);
      },
    });
  } finally {
    await fleet.connection.close();
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

export function agentCountOf({ placement }: Plan): number {
  if (placement.kind === "fleet") return placement.minAgents;
  return placement.agents ?? Math.max(1, availableParallelism() - 1);
}

function hostPortOf(url: string): string {
  const { hostname, port, protocol } = new URL(url);
  return `${hostname}:${port === "" ? (protocol === "https:" ? "443" : "80") : port}`;
}
