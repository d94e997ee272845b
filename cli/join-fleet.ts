import type { NatsConnection } from "@nats-io/transport-node";
import { COORDINATOR_ID } from "../coordinator/fleet/nats-server-conf.ts";
import { type Identity, readIdentity } from "../shared/platform/identity.ts";
import { assertMaySubscribe, connectNats } from "../shared/platform/nats.ts";
import { fleetSubjects } from "../shared/platform/nats-subjects.ts";
import { DEFAULT_FLEET, natsUrlsOf } from "./nats-address.ts";

export interface FleetAddress {
  /** One or more, with commas; undefined: those of the identity. */
  readonly natsUrl: string | undefined;
  readonly identityDir: string | undefined;
  readonly fleet: string | undefined;
}

/** A connection as a fleet's coordinator. */
export interface JoinedFleet {
  readonly name: string;
  readonly connection: NatsConnection;
  /** Of a fleet without identities; empty where there is none. */
  readonly token: string;
  readonly identity: Identity | undefined;
}

/** @throws LoadError LL_IDENTITY_UNREADABLE, LL_NATS_REFUSED, LL_NATS_TLS, LL_NATS_UNREACHABLE, LL_NATS_FORBIDDEN. */
export async function joinFleet(address: FleetAddress): Promise<JoinedFleet> {
  const identity =
    address.identityDir === undefined ? undefined : readIdentity(address.identityDir);
  const name = address.fleet ?? identity?.fleet ?? DEFAULT_FLEET;
  const token = process.env["LOADLINE_TOKEN"];
  const connection = await connectNats({
    servers: natsUrlsOf(address.natsUrl, identity),
    clientId: identity?.id ?? COORDINATOR_ID,
    ...(identity === undefined ? { token } : { identity }),
  });
  try {
    await assertMaySubscribe(connection, [fleetSubjects(name).everyHello]);
  } catch (error) {
    await connection.close();
    throw error;
  }
  return { name, connection, token: token ?? "", identity };
}
