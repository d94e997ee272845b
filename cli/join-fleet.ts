import type { NatsConnection } from "@nats-io/transport-node";
import { COORDINATOR_ID } from "../coordinator/fleet/nats-server-conf.ts";
import { type Identity, readIdentity } from "../shared/platform/identity.ts";
import { assertMaySubscribe, connectNats, type NatsOptions } from "../shared/platform/nats.ts";
import { type NkeySigner, nkeySigner } from "../shared/platform/nkey.ts";
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
  readonly signer: NkeySigner | undefined;
}

/** @throws LoadError LL_IDENTITY_UNREADABLE, LL_NATS_REFUSED, LL_NATS_TLS, LL_NATS_UNREACHABLE, LL_NATS_FORBIDDEN. */
export async function joinFleet(address: FleetAddress): Promise<JoinedFleet> {
  const identity =
    address.identityDir === undefined ? undefined : readIdentity(address.identityDir);
  const name = address.fleet ?? identity?.fleet ?? DEFAULT_FLEET;
  const token = process.env["LOADLINE_TOKEN"] ?? "";
  const connection = await connectNats({
    servers: natsUrlsOf(address.natsUrl, identity),
    ...clientOf(identity, token),
  });
  try {
    await assertMaySubscribe(connection, [fleetSubjects(name).everyHello]);
  } catch (error) {
    await connection.close();
    throw error;
  }
  const signer = identity === undefined ? undefined : nkeySigner(identity.nkeySeed);
  return { name, connection, token, identity, signer };
}

function clientOf(
  identity: Identity | undefined,
  token: string,
): Pick<NatsOptions, "clientId" | "identity" | "token"> {
  if (identity !== undefined) return { clientId: identity.id, identity };
  return { clientId: COORDINATOR_ID, ...(token === "" ? {} : { token }) };
}
