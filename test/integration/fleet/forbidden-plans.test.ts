import assert from "node:assert/strict";
import { once } from "node:events";
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import { test, type TestContext } from "node:test";
import type { NatsConnection } from "@nats-io/transport-node";
import { natsFleetLink } from "../../../coordinator/link/nats-link.ts";
import type { Result } from "../../../coordinator/show/result.ts";
import type { AgentRequest, AgentResponse, PrepareRun } from "../../../shared/control/control.ts";
import { GEOMETRY } from "../../../shared/measurement/histogram.ts";
import { signedHeaders } from "../../../shared/platform/command-signature.ts";
import { readIdentity } from "../../../shared/platform/identity.ts";
import { connectNats } from "../../../shared/platform/nats.ts";
import { fleetSubjects } from "../../../shared/platform/nats-subjects.ts";
import { nkeySigner } from "../../../shared/platform/nkey.ts";
import type { Segment } from "../../../shared/segment/segment.ts";
import { NS_PER_SECOND } from "../../../shared/units.ts";
import { decodeAgentResponse, encodeAgentRequest } from "../../../shared/wire/control-codec.ts";
import { openaiServer, startLoadline, temporaryFolder, until } from "../../support/cli.ts";
import { startFleet, type TestFleet } from "../../support/fleet.ts";
import { startNameServer } from "../../support/name-server.ts";
import { real } from "../../support/nats-server.ts";

const AGENT = "agent-1";
const SUBJECT = fleetSubjects("default").agent(AGENT);
/** A command is good for five minutes. */
const SIX_MINUTES_MS = 6 * 60_000;
const TIMEOUT_NS = 30 * NS_PER_SECOND;
/** Both servers listen on it, each at an address of its own. */
const [ALLOWED, FORBIDDEN] = ["127.0.0.1", "127.0.0.2"];
const NAME = "moving.test";

interface Stage {
  readonly fleet: TestFleet;
  readonly port: number;
  /** Requests that came to the server at the allowed address, and connections to the other. */
  readonly came: () => { readonly allowed: number; readonly forbidden: number };
}

test("an agent holds to its operator's policy, whoever signs", {
  skip: real.missing ?? false,
}, async (context) => {
  const stage = await startStage(context);
  const names = await startNameServer(context, ALLOWED);
  const { fleet, port } = stage;
  startLoadline(
    context,
    [
      ...["agent", "--nats", fleet.nats, "--identity", fleet.agent(AGENT)],
      // The operator is mistaken about the last one.
      ...["--allow", `${ALLOWED}:${port}`, `${NAME}:${port}`, "169.254.0.0/16:*"],
      ...["--max-rate", "50", "--max-in-flight", "100", "--max-duration", "60"],
      ...["--max-tokens", "8"],
    ],
    {},
    names?.within,
  );
  const identity = readIdentity(fleet.coordinator);
  const connection = await connectNats({
    servers: fleet.nats.split(","),
    clientId: identity.id,
    identity,
  });
  context.after(() => connection.close());
  const link = natsFleetLink({
    connection,
    fleet: "default",
    signer: nkeySigner(identity.nkeySeed),
  });
  await new Promise<void>((resolve) => {
    link.onHello(() => {
      resolve();
    });
  });
  const refusalOf = async (request: AgentRequest): Promise<string> =>
    codeOf(await link.request(AGENT, request, TIMEOUT_NS));
  const target = `http://${ALLOWED}:${port}/v1`;

  await context.test("a plan that has expired, or was altered", async () => {
    const payload = encodeAgentRequest(planFor(target));
    const signedAt = (nowMs: number, bytes: Uint8Array) =>
      signedHeaders(nkeySigner(identity.nkeySeed), { subject: SUBJECT, payload: bytes }, nowMs);
    const now = Date.now();
    assert.equal(
      await said(connection, payload, signedAt(now - SIX_MINUTES_MS, payload)),
      "LL_SIGNATURE_EXPIRED",
    );
    const other = encodeAgentRequest(planFor(`http://${FORBIDDEN}:${port}/v1`));
    assert.equal(await said(connection, payload, signedAt(now, other)), "LL_SIGNATURE_WRONG");
  });

  await context.test(
    "a target outside of the list, and metadata though they are in it",
    async () => {
      for (const [url, code] of [
        [`http://${FORBIDDEN}:${port}/v1`, "LL_POLICY_TARGET"],
        [`http://${ALLOWED}:${port === 1 ? 2 : 1}/v1`, "LL_POLICY_TARGET"],
        ["http://169.254.169.254/latest/meta-data", "LL_POLICY_TARGET_FORBIDDEN"],
        // Another way to write it.
        ["http://2852039166/latest/meta-data", "LL_POLICY_TARGET_FORBIDDEN"],
        ["http://[::ffff:169.254.169.254]/latest/meta-data", "LL_POLICY_TARGET_FORBIDDEN"],
      ] as const) {
        assert.equal(await refusalOf(planFor(url)), code, url);
        // The other endpoint of a run that alternates is judged as the first one is.
        const against = planFor(url).prepareRun.target;
        assert.equal(await refusalOf(planFor(target, { against })), code, `against ${url}`);
      }
    },
  );

  await context.test("a plan over a cap", async () => {
    const limits = { ...planFor(target).prepareRun.limits, inFlightMax: 101 };
    assert.equal(await refusalOf(planFor(target, { limits })), "LL_POLICY_IN_FLIGHT");
    assert.equal(await refusalOf(planFor(target, {}, 9)), "LL_POLICY_TOKENS");
    assert.equal(await refusalOf(planFor(target)), "prepared");
    assert.equal(await refusalOf(segmentOf({ ratePerSecond: 51, lastsS: 10 })), "LL_POLICY_RATE");
    assert.equal(
      await refusalOf(segmentOf({ ratePerSecond: 5, lastsS: 61 })),
      "LL_POLICY_DURATION",
    );
    const { runId, incarnation } = planFor(target).prepareRun;
    assert.equal(await refusalOf({ kind: "release", runId, incarnation }), "released");
    assert.deepEqual(stage.came(), { allowed: 0, forbidden: 0 }, "nothing was connected to");
  });

  await context.test("a redirect to elsewhere, and a name that moves there", async (t) => {
    const host = names === undefined ? ALLOWED : NAME;
    const run = startLoadline(t, [
      ...["run", "--nats", fleet.nats, "--identity", fleet.coordinator, "--model", "m"],
      ...["--target", `http://${host}:${port}`, "--rate", "20", "--duration", "55s"],
      ...["--output-tokens", "2", "--max-in-flight", "50", "--json"],
      ...["--out", join(await temporaryFolder(t), "run")],
    ]);
    const requestsCome = (count: number): Promise<void> => {
      const haveCome = (): Promise<boolean> => {
        const { allowed, forbidden } = stage.came();
        return Promise.resolve(allowed + forbidden >= count);
      };
      const fails = run.ended.then(({ stderr }) => assert.fail(stderr));
      return Promise.race([until("requests come", haveCome, 60_000), fails]);
    };
    await requestsCome(1);
    const asked = names?.asked();
    names?.answer(FORBIDDEN);
    // Each on a connection of its own.
    await requestsCome(stage.came().allowed + 20);
    run.child.kill("SIGINT");
    const { stdout, stderr } = await run.ended;
    assert.equal(stage.came().forbidden, 0);
    assert.equal(names?.asked(), asked, "once a run, before its first request");
    assert.notEqual(stdout, "", stderr);
    const [probe] = (JSON.parse(stdout) as Result).probes;
    assert.ok((probe?.countsByOutcome.ok ?? 0) > 0, stderr);
    assert.ok((probe?.countsByOutcome.http_error ?? 0) > 0, "redirects are errors");
  });

  await context.test(
    "a name that leads elsewhere by the next run",
    {
      skip: names === undefined ? "NOT TESTED: there is no name server" : false,
    },
    async () => {
      assert.ok(names !== undefined);
      // The policy allows the name, wherever it leads; but not there.
      names.answer("169.254.169.254");
      assert.equal(
        await refusalOf(planFor(`http://${NAME}:${port}/v1`)),
        "LL_POLICY_TARGET_FORBIDDEN",
      );
      assert.equal(stage.came().forbidden, 0);
    },
  );
});

/** The fleet, and two servers on one port: one that is allowed, and one that every second answer redirects to. */
async function startStage(context: TestContext): Promise<Stage> {
  let allowed = 0;
  let forbidden = 0;
  const word = openaiServer();
  const first = await listen(context, 0, ALLOWED, (request, answer) => {
    allowed += 1;
    if (allowed % 2 === 0) {
      word(request, answer);
      return;
    }
    request.resume();
    answer.writeHead(307, { location: `http://${FORBIDDEN}:${port}/v1/chat/completions` }).end();
  });
  const { port } = first.address() as AddressInfo;
  const second = await listen(context, port, FORBIDDEN, word);
  second.on("connection", () => (forbidden += 1));
  const fleet = await startFleet(context, { agents: 1 });
  return { fleet, port, came: () => ({ allowed, forbidden }) };
}

async function listen(
  context: TestContext,
  port: number,
  address: string,
  answer: (request: IncomingMessage, answer: ServerResponse) => void,
) {
  const server = createServer((request, response) => {
    response.setHeader("connection", "close");
    answer(request, response);
  }).listen(port, address);
  await once(server, "listening");
  context.after(() => {
    server.closeAllConnections();
    server.close();
  });
  return server;
}

function codeOf(response: AgentResponse): string {
  return response.kind === "refusal" ? response.refusal.code : response.kind;
}

/** Past the coordinator's own link, which signs rightly. */
async function said(
  connection: NatsConnection,
  payload: Uint8Array,
  headers: ReturnType<typeof signedHeaders>,
): Promise<string> {
  const reply = await connection.request(SUBJECT, payload, { timeout: 30_000, headers });
  return codeOf(decodeAgentResponse(reply.data));
}

function planFor(
  url: string,
  changes: Partial<PrepareRun> = {},
  tokens = 8,
): Extract<AgentRequest, { kind: "prepare-run" }> {
  const lengths = { kind: "fixed", tokens } as const;
  const ofClass = { name: "default", weight: 1, promptTokens: lengths, outputTokens: lengths };
  const prepareRun: PrepareRun = {
    runId: "run-1",
    incarnation: 1,
    seed: 1,
    target: {
      url,
      endpoint: "chat",
      model: "m",
      apiKeyEnv: undefined,
      headers: {},
      extraBody: {},
      timeoutNs: NS_PER_SECOND,
      caPem: undefined,
      tlsInsecure: false,
      forceOutput: false,
    },
    workload: { classes: [ofClass] },
    thresholds: [],
    geometry: GEOMETRY,
    report: { url: "127.0.0.1:9", certificateFingerprint: "" },
    limits: {
      inFlightMax: 100,
      drainMaxNs: NS_PER_SECOND,
      intervalNs: NS_PER_SECOND,
      leaseNs: NS_PER_SECOND,
    },
    keepRecords: false,
    ...changes,
  };
  return { kind: "prepare-run", prepareRun };
}

function segmentOf({
  ratePerSecond,
  lastsS,
}: {
  ratePerSecond: number;
  lastsS: number;
}): AgentRequest {
  const endNs = lastsS * NS_PER_SECOND;
  const segment: Segment = {
    number: 1,
    mode: { kind: "open", arrivals: { kind: "poisson", ratePerSecond } },
    startAtNs: 0,
    recordFromNs: 0,
    recordUntilNs: endNs,
    endByNs: endNs,
    requestsMax: 0,
    shares: [{ agentId: AGENT, capacity: 1 }],
  };
  const clockOffset = { aheadNs: 0, errorBoundNs: 0 };
  const armSegment = { runId: "run-1", incarnation: 1, segment, clockOffset };
  return { kind: "arm-segment", armSegment };
}
