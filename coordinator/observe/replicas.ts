import { lookup } from "node:dns/promises";

/** One endpoint to scrape. */
export interface Replica {
  /** Its URL, with its address in the place of its name. */
  readonly address: string;
  /** As it was asked for: names the host to the server, and in its certificate. */
  readonly url: URL;
  /** An IP address. */
  readonly host: string;
}

/** The addresses of a name, each once. Rejects where it has none. */
export type Lookup = (hostname: string) => Promise<readonly string[]>;

/** As the machine resolves names, its hosts file included. IPv6 only where there is no IPv4: one replica has both. */
export async function lookUp(hostname: string): Promise<readonly string[]> {
  const bare = hostname.replace(/^\[|\]$/g, "");
  const found = await lookup(bare, { all: true, family: 4 }).catch(() =>
    lookup(bare, { all: true, family: 6 }),
  );
  return [...new Set(found.map(({ address }) => address))].sort();
}

export async function replicasOf(url: string, resolve: Lookup): Promise<readonly Replica[]> {
  const asked = new URL(url);
  const hosts = await resolve(asked.hostname);
  return hosts.map((host) => {
    const at = new URL(url);
    at.hostname = host.includes(":") ? `[${host}]` : host;
    return { address: at.href, url: asked, host };
  });
}
