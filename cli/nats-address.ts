import { ExitCode, LoadError } from "../shared/errors.ts";
import type { Identity } from "../shared/platform/identity.ts";

export const DEFAULT_FLEET = "default";

/**
 * The servers of `--nats a,b`, or those the identity was made for.
 *
 * @throws LoadError LL_FLAG_INVALID when neither is there.
 */
export function natsUrlsOf(
  flag: string | undefined,
  identity: Pick<Identity, "nats"> | undefined,
): readonly string[] {
  if (flag !== undefined) return flag.split(",");
  if (identity !== undefined) return identity.nats;
  throw new LoadError("--nats is missing, and there is no --identity that names the servers", {
    code: "LL_FLAG_INVALID",
    hint: "give --nats tls://HOST:4222, or an --identity made by `loadline fleet init`",
    exitCode: ExitCode.PlanInvalid,
  });
}
