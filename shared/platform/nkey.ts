import { nkeys } from "@nats-io/transport-node";

/** An Ed25519 key pair as NATS writes it: the seed ("SU…") is the secret, the public key ("U…") the name. */
export interface Nkey {
  readonly seed: string;
  readonly publicKey: string;
}

export function createNkey(): Nkey {
  const pair = nkeys.createUser();
  return { seed: new TextDecoder().decode(pair.getSeed()), publicKey: pair.getPublicKey() };
}
