import { X509Certificate } from "node:crypto";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { z } from "zod";
import { ExitCode, LoadError } from "../errors.ts";

/** Names of the files of an identity folder; `nkey.seed` and `key.pem` are secret. */
export const IDENTITY_FILES = {
  about: "identity.json",
  nkeySeed: "nkey.seed",
  ca: "ca.pem",
  certificate: "certificate.pem",
  key: "key.pem",
} as const;

const about = z.strictObject({
  schema: z.literal("loadline/identity@1"),
  fleet: z.string().min(1),
  id: z.string().min(1),
  role: z.enum(["agent", "coordinator"]),
  nats: z.array(z.string().min(1)).min(1),
});

/** What stands in `identity.json`: who this is, and where its fleet's message engine answers. */
export type IdentityAbout = Omit<z.output<typeof about>, "schema">;

/** Who a process is in its fleet, and its proof of it: to NATS by nkey, on the result path by certificate. */
export interface Identity extends IdentityAbout {
  readonly nkeySeed: string;
  /** The fleet's authority, which signed every certificate of it. */
  readonly caPem: string;
  readonly certificatePem: string;
  readonly keyPem: string;
}

export function identityJson(identity: IdentityAbout): string {
  return `${JSON.stringify({ schema: "loadline/identity@1", ...identity }, undefined, 2)}\n`;
}

/**
 * Reads the folder that `loadline fleet init` made for one agent or for the coordinator.
 *
 * @throws LoadError LL_IDENTITY_UNREADABLE when a file is missing or is not what its name says.
 */
export function readIdentity(folder: string): Identity {
  const read = (name: string): string => {
    try {
      return readFileSync(join(folder, name), "utf8");
    } catch (cause) {
      throw unreadable(folder, `${name} cannot be read`, cause);
    }
  };
  const certificatePem = read(IDENTITY_FILES.certificate);
  try {
    new X509Certificate(certificatePem);
  } catch (cause) {
    throw unreadable(folder, `${IDENTITY_FILES.certificate} is no certificate`, cause);
  }
  return {
    ...readAbout(folder, read(IDENTITY_FILES.about)),
    nkeySeed: read(IDENTITY_FILES.nkeySeed).trim(),
    caPem: read(IDENTITY_FILES.ca),
    certificatePem,
    keyPem: read(IDENTITY_FILES.key),
  };
}

function readAbout(folder: string, text: string): IdentityAbout {
  try {
    const { fleet, id, role, nats } = about.parse(JSON.parse(text));
    return { fleet, id, role, nats };
  } catch (cause) {
    throw unreadable(folder, `${IDENTITY_FILES.about} is not one of this version`, cause);
  }
}

function unreadable(folder: string, what: string, cause: unknown): LoadError {
  return new LoadError(`--identity names ${folder}, but ${what}`, {
    code: "LL_IDENTITY_UNREADABLE",
    hint: "give a folder that `loadline fleet init` made: DIR/coordinator or DIR/agents/ID, and see that you may read it",
    exitCode: ExitCode.PlanInvalid,
    cause,
  });
}
