import type { Hello } from "../../shared/control/control.ts";
import { ExitCode, LoadError } from "../../shared/errors.ts";
import { NS_PER_SECOND } from "../../shared/units.ts";
import type { Member, Roster } from "../fleet/roster.ts";
import type { RunOptions, RunPorts } from "./run-contract.ts";

/** An agent silent for longer is lost (04-fleet). */
export const SILENCE_NS = 3 * NS_PER_SECOND;
/** Agents say hello each second: whoever took part before and is still there is heard of by then. */
const RETURN_NS = 3 * NS_PER_SECOND;

export interface GatherInput {
  readonly options: Pick<RunOptions<unknown>, "runId" | "agentsMin" | "gatherNs">;
  readonly ports: Pick<RunPorts, "clock" | "interrupt">;
  readonly roster: Roster;
  /** Who took part in a run that is resumed; they may still hold what they had not reported. */
  readonly tookPart: readonly string[];
  readonly nextMove: () => Promise<void>;
}

/**
 * Waits until enough agents are there: free ones, and those that this very run holds.
 *
 * @throws LoadError LL_FLEET_TOO_SMALL
 */
export async function gatherAgents(input: GatherInput): Promise<readonly Hello[]> {
  const { options, ports, tookPart } = input;
  const { clock, interrupt } = ports;
  const beganNs = clock.nowNs();
  let there = whoIsThere(input);
  const isMissingSome = (): boolean =>
    clock.nowNs() < beganNs + RETURN_NS &&
    !tookPart.every((agentId) => there.some(({ hello }) => hello.agentId === agentId));
  while (there.length < options.agentsMin || isMissingSome()) {
    const isLate = clock.nowNs() >= beganNs + options.gatherNs;
    if (isLate || interrupt.aborted) throw tooSmall(options.agentsMin, there.length, interrupt);
    await input.nextMove();
    there = whoIsThere(input);
  }
  return there.map(({ hello }) => hello);
}

function whoIsThere({ roster, options, ports }: GatherInput): readonly Member[] {
  return roster.takers(options.runId, ports.clock.nowNs(), SILENCE_NS);
}

function tooSmall(wanted: number, found: number, interrupt: AbortSignal): LoadError {
  return new LoadError(`the run needs ${wanted} free agents, but ${found} answered`, {
    code: "LL_FLEET_TOO_SMALL",
    hint: "start more agents, or ask for fewer with --agents or --min-agents",
    exitCode: interrupt.aborted ? ExitCode.Interrupted : ExitCode.MeasurementInvalid,
  });
}
