/** Who may speak on a fleet's subjects; the names of the files are those of the folder the server starts in. */
export interface NatsServerConf {
  readonly fleet: string;
  /** Public nkeys. */
  readonly coordinator: string;
  readonly agents: readonly { readonly id: string; readonly nkey: string }[];
  /** Host names or addresses of the servers; more than one make a cluster. */
  readonly servers: readonly string[];
  /** What servers of a cluster tell each other, beside their certificate: an agent has one of those too. */
  readonly routePassword: string;
}

/** The coordinator's client id on NATS, and the first word behind `_INBOX` of its replies. */
export const COORDINATOR_ID = "coordinator";

export const NATS_PORT = 4_222;
const CLUSTER_PORT = 6_222;

/** Connections beside the agents': coordinators, `fleet ls`, and clients that come back before they were missed. */
const CONNECTIONS_SPARE = 64;

/**
 * The configuration of a `nats-server`, the same file for each server of a cluster.
 *
 * An agent may say its own hello, read what is meant for it, and answer a request it was sent, once; it may neither
 * read another agent's subject nor command one. The coordinator may command agents and read their hellos.
 */
export function natsServerConf(conf: NatsServerConf): string {
  const { fleet, coordinator, agents } = conf;
  return `# The message engine of the fleet "${fleet}", made by \`loadline fleet init\`.
# It is secret where it makes a cluster. Start it in this folder, where its certificate lies:
#   nats-server -c nats-server.conf
listen: "0.0.0.0:${NATS_PORT}"

max_payload: 1MB
max_connections: ${agents.length + CONNECTIONS_SPARE}
max_subscriptions: 64
max_control_line: 4KB
max_pending: 16MB
write_deadline: "5s"
ping_interval: "10s"
ping_max: 2

tls {
  cert_file: "server.pem"
  key_file: "server.key"
  timeout: 5
}

authorization {
  timeout: 5
  users: [
${[coordinatorUser(fleet, coordinator), ...agents.map((agent) => agentUser(fleet, agent))].join("\n")}
  ]
}
${conf.servers.length > 1 ? cluster(conf) : ""}`;
}

function coordinatorUser(fleet: string, nkey: string): string {
  const root = `loadline.${fleet}`;
  return user("the coordinator, and `loadline fleet`", nkey, {
    publish: [`${root}.agent.*`, `${root}.lease`, `${root}.abort`],
    subscribe: [`${root}.hello.*`, `_INBOX.${COORDINATOR_ID}.>`],
    responses: undefined,
  });
}

function agentUser(fleet: string, { id, nkey }: { id: string; nkey: string }): string {
  const root = `loadline.${fleet}`;
  return user(`agent ${id}`, nkey, {
    publish: [`${root}.hello.${id}`],
    subscribe: [`${root}.agent.${id}`, `${root}.lease`, `${root}.abort`, `_INBOX.${id}.>`],
    // The last answer of a run waits until every report is safe.
    responses: '{ max: 1, expires: "60s" }',
  });
}

interface Permissions {
  readonly publish: readonly string[];
  readonly subscribe: readonly string[];
  /** Replies to requests that reached this user; undefined: none. */
  readonly responses: string | undefined;
}

function user(who: string, nkey: string, { publish, subscribe, responses }: Permissions): string {
  const list = (subjects: readonly string[]): string =>
    `[${subjects.map((subject) => `"${subject}"`).join(", ")}]`;
  return `    # ${who}
    {
      nkey: ${nkey}
      permissions: {
        publish: { allow: ${list(publish)} }
        subscribe: { allow: ${list(subscribe)} }${responses === undefined ? "" : `\n        allow_responses: ${responses}`}
      }
    }`;
}

function cluster({ fleet, servers, routePassword }: NatsServerConf): string {
  const routes = servers.map(
    (host) => `    "nats-route://route:${routePassword}@${bracketed(host)}:${CLUSTER_PORT}"`,
  );
  return `
cluster {
  name: "loadline-${fleet}"
  listen: "0.0.0.0:${CLUSTER_PORT}"
  tls {
    cert_file: "server.pem"
    key_file: "server.key"
    ca_file: "ca.pem"
    verify: true
    timeout: 5
  }
  authorization { user: "route", password: "${routePassword}", timeout: 5 }
  routes: [
${routes.join("\n")}
  ]
}
`;
}

/** An IPv6 address needs brackets before a port. */
export function bracketed(host: string): string {
  return host.includes(":") ? `[${host}]` : host;
}
