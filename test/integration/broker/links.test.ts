import assert from "node:assert/strict";
import { after, afterEach, before, describe, test } from "node:test";
import fc from "fast-check";
import type { NatsConnection, Status } from "@nats-io/transport-node";
import { natsAgentLink } from "../../../agent/link/nats-link.ts";
import { natsFleetLink } from "../../../coordinator/link/nats-link.ts";
import type { AgentRequest, AgentResponse, Hello, Lease } from "../../../shared/control/control.ts";
import { ExitCode, LoadError } from "../../../shared/errors.ts";
import { connectNats } from "../../../shared/platform/nats.ts";
import { createNkey, type NkeySigner, nkeySigner } from "../../../shared/platform/nkey.ts";
import { NS_PER_MS, NS_PER_SECOND } from "../../../shared/units.ts";
import {
  decodeAgentResponse,
  encodeHello,
  encodeLease,
} from "../../../shared/wire/control-codec.ts";
import * as arbitrary from "../../support/control-arbitraries.ts";
import { heldDoor } from "../../support/held-door.ts";
import { embedded, serverKinds } from "../../support/nats-server.ts";
import type { ServerKind, TestServer } from "../../support/nats-server.ts";

const fleet = "local";
const garbage = Uint8Array.of(0xff, 0xff, 0xff);
const timeoutNs = 10 * NS_PER_SECOND;

const hasCode =
  (code: string) =>
  (error: unknown): boolean =>
    error instanceof LoadError && error.code === code;

async function untilStatus(connection: NatsConnection, type: Status["type"]): Promise<void> {
  for await (const status of connection.status()) if (status.type === type) return;
}

const sampleHello = (agentId: string): Hello => ({
  ...fc.sample(arbitrary.hello, { numRuns: 1, seed: 3 })[0]!,
  agentId,
});

const leaseOf = (segmentNumber: number): Lease => ({
  runId: "r",
  incarnation: 1,
  segmentNumber,
  expiresInNs: 3 * NS_PER_SECOND,
});

const connections: NatsConnection[] = [];

async function join(server: TestServer, clientId: string): Promise<NatsConnection> {
  const connection = await connectNats({
    servers: [server.url],
    clientId,
    token: server.token,
    reconnectWaitMs: 10,
    reconnectJitterMs: 10,
  });
  connections.push(connection);
  return connection;
}

afterEach(async () => {
  await Promise.all(connections.splice(0).map((connection) => connection.close()));
});

function links(kind: ServerKind): void {
  let server: TestServer;
  before(async () => {
    server = await kind.start();
  });
  after(() => server.close());

  /** One coordinator and one agent that answers by `handler`, both subscribed. */
  async function pair(
    handler: () => Promise<AgentResponse> = () => Promise.resolve({ kind: "stopped" }),
  ) {
    const [forAgent, forCoordinator] = [
      await join(server, "a1"),
      await join(server, "coordinator"),
    ];
    const faults: unknown[] = [];
    const onFault = (error: unknown): void => {
      faults.push(error);
    };
    const agent = natsAgentLink({ connection: forAgent, fleet, agentId: "a1", onFault });
    const coordinator = natsFleetLink({ connection: forCoordinator, fleet, onFault });
    agent.onRequest(handler);
    await forAgent.flush();
    return { agent, coordinator, forAgent, forCoordinator, faults };
  }

  test("every request and every response arrives as it was sent", async () => {
    const requests = fc.sample(arbitrary.agentRequest, { numRuns: 60, seed: 1 });
    const responses = fc.sample(arbitrary.agentResponse, { numRuns: 60, seed: 2 });
    const { agent, coordinator, forAgent } = await pair();
    await agent.close();
    const listening = natsAgentLink({ connection: forAgent, fleet, agentId: "a1" });
    let turn = 0;
    listening.onRequest((request) => {
      assert.deepEqual(request, requests[turn]);
      return Promise.resolve(responses[turn]!);
    });
    await forAgent.flush();

    for (; turn < requests.length; turn++) {
      const response = await coordinator.request("a1", requests[turn]!, timeoutNs);
      assert.deepEqual(response, responses[turn]);
    }
  });

  test("hellos, leases and aborts arrive as they were sent", async () => {
    const { agent, coordinator, forAgent, forCoordinator } = await pair();
    const hello = new Promise((resolve) => {
      coordinator.onHello(resolve);
    });
    const lease = new Promise((resolve) => {
      agent.onLease(resolve);
    });
    const abort = new Promise((resolve) => {
      agent.onAbort(resolve);
    });
    await Promise.all([forAgent.flush(), forCoordinator.flush()]);

    agent.hello(sampleHello("a1"));
    coordinator.publishLease(leaseOf(7));
    coordinator.publishAbort({ runId: "", reason: "enough" });

    assert.deepEqual(await hello, sampleHello("a1"));
    assert.deepEqual(await lease, leaseOf(7));
    assert.deepEqual(await abort, { runId: "", reason: "enough" });
  });

  test("an agent that is not there is known to be gone at once", async () => {
    const { coordinator } = await pair();

    await assert.rejects(
      coordinator.request("a2", { kind: "clock-probe", sentAtNs: 1 }, 600 * NS_PER_SECOND),
      hasCode("LL_AGENT_GONE"),
    );
  });

  test("an agent that does not answer is silent", async () => {
    const { coordinator } = await pair(() => new Promise(() => undefined));

    await assert.rejects(
      coordinator.request("a1", { kind: "clock-probe", sentAtNs: 1 }, 30 * NS_PER_MS),
      hasCode("LL_AGENT_SILENT"),
    );
  });

  test("a malformed request is refused, counted, and the next one is answered", async () => {
    const { agent, coordinator, forCoordinator } = await pair();

    for (const bytes of [garbage, new Uint8Array(0)]) {
      const reply = await forCoordinator.request(`loadline.${fleet}.agent.a1`, bytes);
      const response = decodeAgentResponse(reply.data);
      assert.ok(response.kind === "refusal");
      assert.equal(response.refusal.code, "LL_MESSAGE_MALFORMED");
    }

    assert.equal(agent.malformedCount, 2);
    const probe = { kind: "clock-probe", sentAtNs: 1 } as const;
    assert.deepEqual(await coordinator.request("a1", probe, timeoutNs), { kind: "stopped" });
  });

  test("a malformed request without a reply subject is counted, and nothing dies", async () => {
    const { agent, coordinator, forCoordinator } = await pair();

    forCoordinator.publish(`loadline.${fleet}.agent.a1`, garbage);
    await coordinator.request("a1", { kind: "clock-probe", sentAtNs: 1 }, timeoutNs);

    assert.equal(agent.malformedCount, 1);
  });

  test("malformed leases, aborts, hellos and answers are refused and counted", async () => {
    const { agent, coordinator, forAgent, forCoordinator } = await pair();
    const leases: Lease[] = [];
    agent.onLease((lease) => leases.push(lease));
    agent.onAbort(() => assert.fail("garbage is no abort"));
    const hello = new Promise<Hello>((resolve) => {
      coordinator.onHello(resolve);
    });
    await Promise.all([forAgent.flush(), forCoordinator.flush()]);

    forCoordinator.publish(`loadline.${fleet}.lease`, garbage);
    forCoordinator.publish(`loadline.${fleet}.abort`, garbage);
    forCoordinator.publish(`loadline.${fleet}.lease`, encodeLease(leaseOf(2)));
    forAgent.publish(`loadline.${fleet}.hello.a1`, garbage);
    // One agent that gives itself out for another.
    forAgent.publish(`loadline.${fleet}.hello.a1`, encodeHello(sampleHello("a2")));
    agent.hello(sampleHello("a1"));

    assert.equal((await hello).agentId, "a1");
    forAgent.subscribe(`loadline.${fleet}.agent.liar`, {
      callback: (_, message) => {
        message.respond(garbage);
      },
    });
    await forAgent.flush();
    await assert.rejects(
      coordinator.request("liar", { kind: "clock-probe", sentAtNs: 1 }, timeoutNs),
      hasCode("LL_MESSAGE_MALFORMED"),
    );
    assert.deepEqual(leases, [leaseOf(2)]);
    assert.equal(agent.malformedCount, 2);
    assert.equal(coordinator.malformedCount, 3);
  });

  test("a handler that fails answers with a refusal, and the link lives on", async () => {
    let turn = 0;
    const { agent, coordinator, forAgent, faults } = await pair(() => {
      turn++;
      if (turn === 1) throw new Error("thrown at once");
      if (turn === 2) return Promise.reject(new Error("rejected later"));
      return Promise.reject(
        new LoadError("no", {
          code: "LL_AGENT_BUSY",
          hint: "wait",
          exitCode: ExitCode.PlanInvalid,
        }),
      );
    });
    agent.onLease(() => {
      throw new Error("of a lease");
    });
    await forAgent.flush();
    coordinator.publishLease(leaseOf(1));

    const codes: string[] = [];
    for (let i = 0; i < 3; i++) {
      const release = { kind: "release", runId: "r", incarnation: 1 } as const;
      const response = await coordinator.request("a1", release, timeoutNs);
      assert.ok(response.kind === "refusal");
      codes.push(response.refusal.code);
    }

    assert.deepEqual(codes, ["LL_AGENT_FAILED", "LL_AGENT_FAILED", "LL_AGENT_BUSY"]);
    assert.equal(faults.length, 4);
    assert.equal(agent.malformedCount, 0);
  });

  test("an agent that names its signers carries out what they signed, and answers anybody's probe", async () => {
    const [ours, theirs] = [nkeySigner(createNkey().seed), nkeySigner(createNkey().seed)];
    const forAgent = await join(server, "a1");
    const forCoordinator = await join(server, "coordinator");
    const faults: unknown[] = [];
    const agent = natsAgentLink({
      connection: forAgent,
      fleet,
      agentId: "a1",
      signers: [ours.publicKey],
      onFault: (fault) => faults.push(fault),
    });
    const carriedOut: string[] = [];
    agent.onRequest(({ kind }) => {
      carriedOut.push(kind);
      return Promise.resolve({ kind: "stopped" });
    });
    await forAgent.flush();
    const ask = async (signer: NkeySigner | undefined, request: AgentRequest) => {
      const link = natsFleetLink({ connection: forCoordinator, fleet, signer });
      const response = await link.request("a1", request, timeoutNs);
      return response.kind === "refusal" ? response.refusal.code : response.kind;
    };
    const release = { kind: "release", runId: "r", incarnation: 1 } as const;
    const probe = { kind: "clock-probe", sentAtNs: 1 } as const;

    assert.equal(await ask(ours, release), "stopped");
    assert.equal(await ask(theirs, release), "LL_SIGNATURE_FOREIGN");
    assert.equal(await ask(undefined, release), "LL_SIGNATURE_MISSING");
    assert.equal(await ask(undefined, probe), "stopped");
    assert.deepEqual(carriedOut, ["release", "clock-probe"]);
    assert.equal(faults.length, 2, "each refusal is told to the log");
  });

  test("a closed link hears nothing more, and leaves the connection to its owner", async () => {
    const { agent, coordinator, forAgent } = await pair();

    await agent.close();
    await forAgent.flush();

    assert.equal(forAgent.isClosed(), false);
    await assert.rejects(
      coordinator.request("a1", { kind: "clock-probe", sentAtNs: 1 }, timeoutNs),
      hasCode("LL_AGENT_GONE"),
    );
  });

  test("a lease of a time without a server is not told when it is back", async () => {
    const first = await kind.start();
    const forAgent = await join(first, "a1");
    const leases: number[] = [];
    const agent = natsAgentLink({ connection: forAgent, fleet, agentId: "a1" });
    const fresh = new Promise<void>((resolve) => {
      agent.onLease(({ segmentNumber }) => {
        leases.push(segmentNumber);
        if (segmentNumber === 2) resolve();
      });
    });
    await forAgent.flush();
    const door = await heldDoor();
    const letIn = door.nextCaller().then((caller) => {
      door.letThrough(caller, first.port);
      return caller;
    });
    const forCoordinator = await join({ ...first, url: `nats://127.0.0.1:${door.port}` }, "c");
    const coordinator = natsFleetLink({ connection: forCoordinator, fleet });

    // While the client dials, it keeps what is published for the connection that it is about to have.
    const lost = untilStatus(forCoordinator, "disconnect");
    const back = untilStatus(forCoordinator, "reconnect");
    (await letIn).destroy();
    await lost;
    const dialling = await door.nextCaller();
    coordinator.publishLease(leaseOf(1));
    door.letThrough(dialling, first.port);
    await back;
    await forCoordinator.flush();
    coordinator.publishLease(leaseOf(2));
    await fresh;

    assert.deepEqual(leases, [2]);
    await Promise.all([forAgent.close(), forCoordinator.close()]);
    await door.close();
    await first.close();
  });

  test("publishing on a closed connection is no error", async () => {
    const { agent, coordinator, forAgent, forCoordinator } = await pair();
    await Promise.all([forAgent.close(), forCoordinator.close()]);

    agent.hello(sampleHello("a1"));
    coordinator.publishLease(leaseOf(1));
    coordinator.publishAbort({ runId: "", reason: "" });
    await assert.rejects(
      coordinator.request("a1", { kind: "clock-probe", sentAtNs: 1 }, timeoutNs),
      hasCode("LL_NATS_FAILED"),
    );
    await agent.close();
    await coordinator.close();
  });
}

for (const kind of serverKinds) {
  describe(`the links over ${kind.name}`, { skip: kind.missing ?? false }, () => {
    links(kind);
  });
}

test("a fleet's or an agent's name that is not one word of a subject is refused", async () => {
  const server = await embedded.start();
  const connection = await join(server, "a1");
  for (const name of ["", "a.b", "a b", "*", ">", "a>", "a*", "ä", "a\n", "x".repeat(129)]) {
    const refused = hasCode("LL_NAME_INVALID");
    assert.throws(() => natsAgentLink({ connection, fleet: name, agentId: "a1" }), refused);
    assert.throws(() => natsAgentLink({ connection, fleet, agentId: name }), refused);
    assert.throws(() => natsFleetLink({ connection, fleet: name }), refused);
    await assert.rejects(
      natsFleetLink({ connection, fleet }).request(name, { kind: "clock-probe", sentAtNs: 1 }, 1),
      refused,
    );
    await assert.rejects(connectNats({ servers: [server.url], clientId: name }), refused);
  }
  await connection.close();
  await server.close();
});

test("no server at the address is an error, or waited for where that is asked", async () => {
  const server = await embedded.start();
  await server.close();
  const options = { servers: [server.url], clientId: "early", token: server.token };
  await assert.rejects(connectNats(options), hasCode("LL_NATS_UNREACHABLE"));

  const waiting = connectNats({ ...options, waitForServer: true, reconnectWaitMs: 10 });
  const late = await embedded.start({ port: server.port });
  const connection = await waiting;
  await connection.flush();

  await connection.close();
  await late.close();
});
