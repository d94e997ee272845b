import assert from "node:assert/strict";
import { test } from "node:test";
import { natsServerConf } from "../../../coordinator/fleet/nats-server-conf.ts";

const CONF = {
  fleet: "lab",
  coordinator: "UCOORDINATOR",
  agents: [
    { id: "agent-1", nkey: "UONE" },
    { id: "agent-2", nkey: "UTWO" },
  ],
  servers: ["nats-1.test"],
  routePassword: "p4ss",
};

/** By public nkey: what its user may do, as it is written. */
function usersOf(conf: string): ReadonlyMap<string, string> {
  const users = conf.matchAll(/\{\n\s+nkey: (\w+)\n([^#]*?)\n {4}\}/g);
  return new Map(
    [...users].map(([, nkey = "", permissions = ""]) => [
      nkey,
      permissions.replaceAll(/\s+/g, " "),
    ]),
  );
}

test("each user may do what it has to, and nothing more", () => {
  const users = usersOf(natsServerConf(CONF));
  assert.deepEqual([...users.keys()], ["UCOORDINATOR", "UONE", "UTWO"]);
  assert.equal(
    users.get("UCOORDINATOR")?.trim(),
    'permissions: { publish: { allow: ["loadline.lab.agent.*", "loadline.lab.lease", "loadline.lab.abort"] } ' +
      'subscribe: { allow: ["loadline.lab.hello.*", "_INBOX.coordinator.>"] } }',
  );
  for (const { id, nkey } of CONF.agents)
    assert.equal(
      users.get(nkey)?.trim(),
      `permissions: { publish: { allow: ["loadline.lab.hello.${id}"] } ` +
        `subscribe: { allow: ["loadline.lab.agent.${id}", "loadline.lab.lease", "loadline.lab.abort", "_INBOX.${id}.>"] } ` +
        'allow_responses: { max: 1, expires: "60s" } }',
    );
});

test("servers of a cluster prove themselves to each other by certificate and password; a single one has no route", () => {
  assert.doesNotMatch(natsServerConf(CONF), /cluster \{|p4ss/);
  const conf = natsServerConf({ ...CONF, servers: ["nats-1.test", "fd00::2"] });
  const [, cluster = ""] = conf.split("\ncluster {");
  assert.match(cluster, /tls \{[^}]*ca_file: "ca\.pem"\s+verify: true/);
  assert.match(cluster, /authorization \{ user: "route", password: "p4ss", timeout: 5 \}/);
  assert.deepEqual(cluster.match(/nats-route:[^"]+/g), [
    "nats-route://route:p4ss@nats-1.test:6222",
    "nats-route://route:p4ss@[fd00::2]:6222",
  ]);
});

test("a server takes no connection without TLS, and as many as the fleet has members", () => {
  const conf = natsServerConf(CONF);
  assert.match(conf, /\ntls \{\n {2}cert_file: "server\.pem"\n {2}key_file: "server\.key"/);
  assert.match(conf, /\nmax_connections: 66\n/);
});
