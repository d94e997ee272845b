import { createPrivateKey, createPublicKey, type KeyObject, sign, verify } from "node:crypto";
import { nkeys } from "@nats-io/transport-node";

/** An Ed25519 key pair as NATS writes it: the seed ("SU…") is the secret, the public key ("U…") the name. */
export interface Nkey {
  readonly seed: string;
  readonly publicKey: string;
}

/** Signs in the name of a public nkey. */
export interface NkeySigner {
  readonly publicKey: string;
  sign(bytes: Uint8Array): Uint8Array;
}

const KEY_BYTES = 32;
/** What stands before the key itself: one byte in a public nkey, two in a seed. */
const PUBLIC_PREFIX_BYTES = 1;
const SEED_PREFIX_BYTES = 2;

export function createNkey(): Nkey {
  const pair = nkeys.createUser();
  return { seed: new TextDecoder().decode(pair.getSeed()), publicKey: pair.getPublicKey() };
}

/** By Node's own Ed25519: the library's takes some ms a signature, in the midst of which an agent fires. */
export function nkeySigner(seed: string): NkeySigner {
  const publicKey = nkeys.fromSeed(new TextEncoder().encode(seed)).getPublicKey();
  const key = createPrivateKey({
    format: "jwk",
    key: {
      kty: "OKP",
      crv: "Ed25519",
      d: rawKey(seed, SEED_PREFIX_BYTES),
      x: rawKey(publicKey, PUBLIC_PREFIX_BYTES),
    },
  });
  return { publicKey, sign: (bytes) => sign(null, bytes, key) };
}

/** Whether `signature` is the one of `publicKey` under `bytes`; false for what is no key. */
export function isSignedBy(
  publicKey: string,
  { bytes, signature }: { readonly bytes: Uint8Array; readonly signature: Uint8Array },
): boolean {
  let key: KeyObject;
  try {
    // Checks the prefix and the checksum.
    nkeys.fromPublic(publicKey);
    const x = rawKey(publicKey, PUBLIC_PREFIX_BYTES);
    key = createPublicKey({ format: "jwk", key: { kty: "OKP", crv: "Ed25519", x } });
  } catch {
    return false;
  }
  return verify(null, bytes, key, signature);
}

function rawKey(nkey: string, prefixBytes: number): string {
  return base32(nkey)
    .subarray(prefixBytes, prefixBytes + KEY_BYTES)
    .toString("base64url");
}

const ALPHABET = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";

/** RFC 4648 §6, without padding. */
function base32(text: string): Buffer {
  const bytes: number[] = [];
  let bits = 0;
  let value = 0;
  for (const letter of text) {
    value = ((value << 5) | ALPHABET.indexOf(letter)) & 0xfff;
    bits += 5;
    if (bits < 8) continue;
    bits -= 8;
    bytes.push((value >> bits) & 0xff);
  }
  return Buffer.from(bytes);
}
