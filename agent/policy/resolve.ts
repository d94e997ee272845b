import { isIP } from "node:net";
import { ExitCode, LoadError } from "../../shared/errors.ts";
import type { ResolvedTarget } from "./policy.ts";

/** Every address of a name, in any order. */
export type ResolveHost = (host: string) => Promise<readonly string[]>;

/**
 * Host, port and addresses of a base URL, asked once a run. The run then connects to these addresses only, so that a
 * name which changes its mind after the policy was checked leads nowhere new.
 *
 * @throws LoadError LL_TARGET_NAME_UNKNOWN when the name has no address.
 */
export async function resolveTargetAddresses(
  url: string,
  resolveHost: ResolveHost,
): Promise<ResolvedTarget> {
  const { hostname, port, protocol } = new URL(url);
  const host = hostname.replace(/^\[(.*)\]$/, "$1");
  return {
    host,
    port: port === "" ? (protocol === "https:" ? 443 : 80) : Number(port),
    addresses: isIP(host) === 0 ? await addressesOf(host, resolveHost) : [host],
  };
}

async function addressesOf(host: string, resolveHost: ResolveHost): Promise<readonly string[]> {
  try {
    const addresses = await resolveHost(host);
    if (addresses.length > 0) {
      return [...new Set(addresses)];
    }
  } catch (error) {
    throw unknown(host, error);
  }
  throw unknown(host, undefined);
}

function unknown(host: string, cause: unknown): LoadError {
  return new LoadError(`the target's name ${JSON.stringify(host)} has no address here`, {
    code: "LL_TARGET_NAME_UNKNOWN",
    hint: "check the name in --target, and the agent's resolver",
    exitCode: ExitCode.TargetUnusable,
    cause,
  });
}
