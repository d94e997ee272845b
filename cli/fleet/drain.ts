import type { Command } from "commander";
import { surveyFleet } from "../../coordinator/fleet/survey.ts";
import { natsFleetLink, type NatsFleetLink } from "../../coordinator/link/nats-link.ts";
import { printable } from "../../coordinator/show/paint.ts";
import { ExitCode, LoadError } from "../../shared/errors.ts";
import { SystemClock } from "../../shared/platform/system-clock.ts";
import { NS_PER_SECOND } from "../../shared/units.ts";
import { joinFleet } from "../join-fleet.ts";
import { addFleetAddressFlags, type FleetFlags } from "./look.ts";

const ANSWER_WITHIN_NS = 5 * NS_PER_SECOND;

export function addFleetDrainCommand(fleet: Command): void {
  addFleetAddressFlags(
    fleet
      .command("drain")
      .description("agents take no further run, and end when the one they hold is over")
      .argument("[id...]", "which agents (default: all)"),
  ).action(async (ids: readonly string[], flags: FleetFlags) => {
    const { name, connection, signer } = await joinFleet({
      natsUrl: flags.nats,
      identityDir: flags.identity,
      fleet: flags.fleet,
    });
    try {
      const link = natsFleetLink({ connection, fleet: name, signer });
      const asked = ids.length > 0 ? ids : await everyAgent(link);
      const answers = await Promise.all(asked.map((id) => drain(link, id)));
      for (const { text } of answers) process.stdout.write(`${printable(text)}\n`);
      if (answers.some(({ isLeaving }) => !isLeaving))
        process.exitCode = ExitCode.MeasurementInvalid;
    } finally {
      await connection.close();
    }
  });
}

async function everyAgent(link: NatsFleetLink): Promise<readonly string[]> {
  const agents = await surveyFleet(link, new SystemClock());
  if (agents.length > 0) return agents.map(({ hello }) => hello.agentId);
  throw new LoadError("every agent of the fleet is to be drained, but none says hello", {
    code: "LL_FLEET_TOO_SMALL",
    hint: "see `loadline fleet doctor`",
    exitCode: ExitCode.MeasurementInvalid,
  });
}

interface Drained {
  readonly isLeaving: boolean;
  readonly text: string;
}

/** One agent that does not answer must not keep the others. */
async function drain(link: NatsFleetLink, id: string): Promise<Drained> {
  try {
    const response = await link.request(id, { kind: "drain" }, ANSWER_WITHIN_NS);
    if (response.kind === "refusal")
      return { isLeaving: false, text: `${id}: refuses: ${response.refusal.message}` };
    const runId = response.kind === "leaving" ? response.runId : undefined;
    const text = runId === undefined ? "ends now" : `ends when run ${runId} is over`;
    return { isLeaving: true, text: `${id}: ${text}` };
  } catch (error) {
    return {
      isLeaving: false,
      text: `${id}: ${error instanceof Error ? error.message : String(error)}`,
    };
  }
}
