import type { Hello } from "../../shared/control/control.ts";
import { ExitCode, LoadError } from "../../shared/errors.ts";
import { meanLength } from "../../shared/workload/lengths.ts";
import type { Workload } from "../../shared/workload/workload.ts";
import { agentsNeeded, fleetCleanRate } from "../fleet/capacity.ts";
import type { Plan } from "./plan.ts";

/** The default bound is a minute's worth of arrivals: a sixth of it still is ten seconds' worth. */
const DEFAULT_SHRINKS_TO = 1 / 6;

/** What the agents that are there let a plan do. */
export interface Admission {
  /** Of the whole fleet. */
  readonly inFlightMax: number;
  /** The highest rate they carry, requests/s of the plan's own lengths; undefined where nothing bounds it. */
  readonly cleanRatePerSecond: number | undefined;
}

/**
 * Holds a plan against what its agents carry, before anything is sent.
 *
 * @throws LoadError LL_RATE_ABOVE_AGENTS, LL_IN_FLIGHT_ABOVE_AGENTS.
 */
export function admit(plan: Plan, agents: readonly Hello[]): Admission {
  const cleanRatePerSecond = plan.beyondCleanRate
    ? undefined
    : fleetCleanRate(agents, meanOutputTokens(plan.workload));
  if (cleanRatePerSecond !== undefined) checkRate(plan, agents, cleanRatePerSecond);
  return { cleanRatePerSecond, inFlightMax: inFlightMaxOf(plan, agents) };
}

/** The highest rate a plan asks for whatever the server does; undefined for a closed loop, whose pace is the server's. */
export function askedRatePerSecond({ load }: Plan): number | undefined {
  if (load.kind === "find") return load.rateMinPerSecond;
  // A sweep's rates lie below what its closed loop reached, so the agents carried more.
  if (load.kind === "sweep") return undefined;
  if (load.profile.kind !== "rates") return undefined;
  const { arrivals, ratesPerSecond } = load.profile;
  return arrivals.kind === "ramp"
    ? Math.max(arrivals.fromRatePerSecond, arrivals.toRatePerSecond)
    : Math.max(...ratesPerSecond);
}

/** Output tokens of a request, by the plan's classes and their weights. */
export function meanOutputTokens({ classes }: Workload): number {
  const weights = classes.reduce((sum, { weight }) => sum + weight, 0);
  return classes.reduce(
    (sum, { weight, outputTokens }) => sum + (weight / weights) * meanLength(outputTokens),
    0,
  );
}

function checkRate(plan: Plan, agents: readonly Hello[], cleanRatePerSecond: number): void {
  const askedPerSecond = askedRatePerSecond(plan);
  if (askedPerSecond === undefined || askedPerSecond <= cleanRatePerSecond) return;
  const tokens = meanOutputTokens(plan.workload);
  const needed = agentsNeeded(agents, { ratePerSecond: askedPerSecond, tokens }) ?? 0;
  const are = agents.length === 1 ? "agent here carries" : "agents here carry";
  throw new LoadError(
    `the plan asks for ${shown(askedPerSecond)} requests/s of ${shown(tokens)} tokens, and ${agents.length} ${are} about ${shown(cleanRatePerSecond)} with a valid measurement`,
    {
      code: "LL_RATE_ABOVE_AGENTS",
      hint: `it takes ${needed} agents: ${moreAgents(plan, needed, agents)}; or lower the rate; --beyond-clean-rate goes on all the same`,
      exitCode: ExitCode.PlanInvalid,
    },
  );
}

function moreAgents({ placement }: Plan, needed: number, agents: readonly Hello[]): string {
  if (placement.kind === "fleet")
    return `start more, each with a core of its own, and say --min-agents ${needed}`;
  const cores = agents[0]?.cores ?? 1;
  const machine = `this machine has ${cores} ${cores === 1 ? "core" : "cores"}`;
  return needed <= cores
    ? `--agents ${needed} (${machine})`
    : `a fleet on several machines (--nats; ${machine})`;
}

/**
 * A bound that nobody asked for gives way to what the agents can hold, as long as it stays far from what a server
 * within any SLO needs: a drop at the bound is taken for the server's overload.
 */
function inFlightMaxOf({ maxInFlight, maxInFlightAsked }: Plan, agents: readonly Hello[]): number {
  const heldMax = agents.reduce((sum, { inFlightMax }) => sum + inFlightMax, 0);
  const neededMax = maxInFlightAsked ? maxInFlight : maxInFlight * DEFAULT_SHRINKS_TO;
  if (neededMax <= heldMax) return Math.min(maxInFlight, heldMax);
  throw new LoadError(
    `the plan allows ${shown(maxInFlight)} requests in flight, and ${agents.length} ${agents.length === 1 ? "agent" : "agents"} can hold ${shown(heldMax)}: each takes a socket, and the system (or the agent's operator) allows no more`,
    {
      code: "LL_IN_FLIGHT_ABOVE_AGENTS",
      hint: "raise the limit of open files (ulimit -n) or the range of local ports where the agents run, add agents, or say a lower --max-in-flight",
      exitCode: ExitCode.PlanInvalid,
    },
  );
}

/** Three significant digits, with thousands apart. */
function shown(value: number): string {
  return Number(value.toPrecision(3)).toLocaleString("en-US");
}
