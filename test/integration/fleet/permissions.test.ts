import assert from "node:assert/strict";
import { test, type TestContext } from "node:test";
import type { NatsConnection } from "@nats-io/transport-node";
import { LoadError } from "../../../shared/errors.ts";
import { readIdentity } from "../../../shared/platform/identity.ts";
import { assertMaySubscribe, connectNats } from "../../../shared/platform/nats.ts";
import { loadline } from "../../support/cli.ts";
import { startFleet, type TestFleet } from "../../support/fleet.ts";
import { real } from "../../support/nats-server.ts";

const skip = real.missing ?? false;

async function connectAs(
  context: TestContext,
  fleet: TestFleet,
  folder: string,
): Promise<NatsConnection> {
  const identity = readIdentity(folder);
  const connection = await connectNats({
    servers: fleet.nats.split(","),
    clientId: identity.id,
    identity,
  });
  context.after(() => connection.close());
  return connection;
}

const hasCode =
  (code: string) =>
  (error: unknown): boolean =>
    error instanceof LoadError && error.code === code;

test("an agent reads its own subject and says its own hello, and nobody else's", {
  skip,
}, async (context) => {
  const fleet = await startFleet(context, { agents: 2 });
  const [first, second, coordinator] = [
    await connectAs(context, fleet, fleet.agent("agent-1")),
    await connectAs(context, fleet, fleet.agent("agent-2")),
    await connectAs(context, fleet, fleet.coordinator),
  ];
  const own = ["agent.agent-1", "lease", "abort"].map((end) => `loadline.default.${end}`);
  await assertMaySubscribe(first, own);
  for (const subject of [
    "loadline.default.agent.agent-2",
    "loadline.default.agent.*",
    "loadline.default.hello.*",
    "loadline.>",
    ">",
    "_INBOX.coordinator.>",
    "_INBOX.agent-2.>",
    "$SYS.>",
  ])
    await assert.rejects(
      assertMaySubscribe(first, [subject]),
      hasCode("LL_NATS_FORBIDDEN"),
      subject,
    );

  const heard: string[] = [];
  for (const [connection, subject] of [
    [coordinator, "loadline.default.hello.*"],
    [second, "loadline.default.agent.agent-2"],
    [second, "loadline.default.lease"],
  ] as const)
    connection.subscribe(subject, { callback: (_, message) => void heard.push(message.subject) });
  await Promise.all([coordinator.flush(), second.flush()]);
  for (const end of ["hello.agent-2", "agent.agent-2", "lease", "abort", "hello.agent-1"])
    first.publish(`loadline.default.${end}`, Uint8Array.of(1));
  await first.flush();
  await Promise.all([coordinator.flush(), second.flush()]);
  assert.deepEqual(heard, ["loadline.default.hello.agent-1"]);
});

test("an agent answers what it was asked, once, and nothing it was not asked", {
  skip,
}, async (context) => {
  const fleet = await startFleet(context, { agents: 1 });
  const agent = await connectAs(context, fleet, fleet.agent("agent-1"));
  const coordinator = await connectAs(context, fleet, fleet.coordinator);
  const answers: string[] = [];
  let reply = "";
  agent.subscribe("loadline.default.agent.agent-1", {
    callback: (_, message) => {
      reply = message.reply ?? "";
      message.respond("first");
      message.respond("second");
    },
  });
  coordinator.subscribe("_INBOX.coordinator.test.>", {
    callback: (_, message) => void answers.push(message.string()),
  });
  await Promise.all([agent.flush(), coordinator.flush()]);
  agent.publish("_INBOX.coordinator.test.1", "unasked");
  await agent.flush();
  coordinator.publish("loadline.default.agent.agent-1", "ask", {
    reply: "_INBOX.coordinator.test.2",
  });
  await coordinator.flush();
  await agent.flush();
  await agent.flush();
  await coordinator.flush();
  assert.equal(reply, "_INBOX.coordinator.test.2");
  assert.deepEqual(answers, ["first"]);
});

test("who is not of the fleet is told so, by a code", { skip }, async (context) => {
  const fleet = await startFleet(context, { agents: 2 });
  const other = await startFleet(context, { agents: 1 });
  const servers = fleet.nats.split(",");
  const identity = readIdentity(fleet.agent("agent-1"));
  const foreign = readIdentity(other.agent("agent-1"));

  await assert.rejects(
    connectNats({ servers, clientId: "stranger", identity: { ...foreign, caPem: identity.caPem } }),
    hasCode("LL_NATS_REFUSED"),
    "a key of another fleet",
  );
  await assert.rejects(
    connectNats({ servers, clientId: "agent-1", identity: { ...identity, caPem: foreign.caPem } }),
    hasCode("LL_NATS_TLS"),
    "a server of another authority",
  );
  await assert.rejects(
    connectNats({ servers, clientId: "stranger", token: "guess" }),
    hasCode("LL_NATS_TLS"),
    "neither a key nor the authority",
  );

  const nats = ["--nats", fleet.nats];
  const target = ["--target", "http://127.0.0.1:9", "--model", "m", "--rate", "1"];
  const refused = [
    [["agent", ...nats, "--identity", other.agent("agent-1")], "LL_NATS_TLS"],
    [
      ["agent", ...nats, "--identity", fleet.agent("agent-1"), "--id", "agent-2"],
      "LL_NATS_FORBIDDEN",
    ],
    [["agent", ...nats, "--identity", fleet.agent("agent-1"), "--fleet", "b"], "LL_NATS_FORBIDDEN"],
    [["run", ...target, ...nats, "--identity", fleet.agent("agent-1")], "LL_NATS_FORBIDDEN"],
    [["run", ...target, ...nats], "LL_NATS_TLS"],
    [["agent", ...nats, "--identity", "/nowhere"], "LL_IDENTITY_UNREADABLE"],
  ] as const;
  await Promise.all(
    refused.map(async ([args, code]) => {
      const { exitCode, stderr } = await loadline(context, ...args);
      assert.match(stderr, new RegExp(`code: ${code}`), args.join(" "));
      assert.equal(exitCode, 2, args.join(" "));
    }),
  );
});
