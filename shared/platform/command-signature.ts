import { headers, type Msg, type MsgHdrs } from "@nats-io/transport-node";
import type { Refusal } from "../control/control.ts";
import { isSignedBy, type NkeySigner } from "./nkey.ts";

const SIGNER = "Loadline-Signer";
const EXPIRES = "Loadline-Expires";
const SIGNATURE = "Loadline-Signature";

/** How long a command may be carried out after it was signed, ms: as far as wall clocks may differ, and no longer. */
const VALID_MS = 5 * 60_000;

/**
 * The headers of a signed command. The signature is Ed25519 over subject (which names fleet and agent), expiry and
 * payload (which names the run), so that it is good for one command to one agent, and for minutes.
 *
 * @param nowMs Unix time, ms.
 */
export function signedHeaders(
  signer: NkeySigner,
  command: { readonly subject: string; readonly payload: Uint8Array },
  nowMs: number,
): MsgHdrs {
  const expires = String(Math.round(nowMs + VALID_MS));
  const signature = signer.sign(signedBytes({ ...command, expires }));
  const made = headers();
  made.set(SIGNER, signer.publicKey);
  made.set(EXPIRES, expires);
  made.set(SIGNATURE, Buffer.from(signature).toString("base64url"));
  return made;
}

/**
 * Why a command is not carried out; undefined when one of `signers` signed it and it has not expired.
 *
 * @param nowMs Unix time, ms.
 */
export function whyNotSigned(
  { subject, data, headers: found }: Pick<Msg, "subject" | "data" | "headers">,
  signers: readonly string[],
  nowMs: number,
): Refusal | undefined {
  const [signer, expires, signature] = [SIGNER, EXPIRES, SIGNATURE].map(
    (name) => found?.get(name) ?? "",
  ) as [string, string, string];
  if (signer === "" || signature === "") return MISSING;
  if (!signers.includes(signer)) return foreign(signer);
  const bytes = signedBytes({ subject, expires, payload: data });
  if (!isSignedBy(signer, { bytes, signature: Buffer.from(signature, "base64url") })) return WRONG;
  // Only now: before, the expiry was anybody's word.
  return Number(expires) >= nowMs ? undefined : expired(Number(expires), nowMs);
}

/** Neither a subject nor a number holds a line's end, so that no two commands have the same bytes. */
function signedBytes(command: {
  readonly subject: string;
  readonly expires: string;
  readonly payload: Uint8Array;
}): Uint8Array {
  const { subject, expires, payload } = command;
  return Buffer.concat([Buffer.from(`loadline-command-1\n${subject}\n${expires}\n`), payload]);
}

const MISSING: Refusal = {
  code: "LL_SIGNATURE_MISSING",
  message: "the command is not signed, and this agent's policy names whose signature it needs",
  hint: "start the run with the --identity of the fleet's coordinator, or take signers out of the agent's policy",
};

const WRONG: Refusal = {
  code: "LL_SIGNATURE_WRONG",
  message: "the command is not the one that was signed: it was altered, or meant for another agent",
  hint: "see who else holds the coordinator's nkey or the message engine; run the same version everywhere",
};

function foreign(signer: string): Refusal {
  return {
    code: "LL_SIGNATURE_FOREIGN",
    message: `the command is signed by ${signer.slice(0, 64)}, whom this agent's policy does not name`,
    hint: "start the run with the --identity of the fleet's coordinator, or add its nkey to signers in the agent's policy",
  };
}

function expired(expiresMs: number, nowMs: number): Refusal {
  const [until, now] = [expiresMs, nowMs].map((ms) => new Date(ms).toISOString());
  return {
    code: "LL_SIGNATURE_EXPIRED",
    message: `the command was good until ${until ?? ""}, and this agent's clock says ${now ?? ""}`,
    hint: "set the clocks of both machines (NTP): they may differ by some minutes, not by more",
  };
}
