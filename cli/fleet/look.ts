import type { Command } from "commander";
import { type SurveyedAgent, surveyFleet } from "../../coordinator/fleet/survey.ts";
import { natsFleetLink } from "../../coordinator/link/nats-link.ts";
import type { Identity } from "../../shared/platform/identity.ts";
import { SystemClock } from "../../shared/platform/system-clock.ts";
import { joinFleet } from "../join-fleet.ts";

export interface FleetFlags {
  readonly nats?: string;
  readonly identity?: string;
  readonly fleet?: string;
}

/** How a command that only looks at a fleet is told which. */
export function addFleetAddressFlags(command: Command): Command {
  return command
    .option("--identity <dir>", "the coordinator's folder of `fleet init`")
    .option("--nats <url,...>", "the fleet's NATS servers (default: those of the identity)")
    .option("--fleet <name>", 'the fleet\'s name (default: that of the identity, or "default")')
    .addHelpText("after", "\nWithout an identity, the fleet's token is read from LOADLINE_TOKEN.");
}

export interface LookedAt {
  readonly fleet: string;
  readonly identity: Identity | undefined;
  readonly agents: readonly SurveyedAgent[];
}

/** Looks without touching: no agent is held by it. */
export async function lookAtFleet(flags: FleetFlags): Promise<LookedAt> {
  const { name, connection, identity } = await joinFleet({
    natsUrl: flags.nats,
    identityDir: flags.identity,
    fleet: flags.fleet,
  });
  try {
    const agents = await surveyFleet(natsFleetLink({ connection, fleet: name }), new SystemClock());
    return { fleet: name, identity, agents };
  } finally {
    await connection.close();
  }
}
