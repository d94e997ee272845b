import assert from "node:assert/strict";
import { test, type TestContext } from "node:test";
import { Client, credentials, type ChannelCredentials, Metadata, status } from "@grpc/grpc-js";
import { grpcReportLink } from "../../../agent/link/grpc-report-link.ts";
import type { ReportLinkTls } from "../../../agent/link/report-credentials.ts";
import { Authority } from "../../../cli/fleet/certificates.ts";
import {
  type GrpcReportServer,
  type ReportServerTls,
  startReportServer,
} from "../../../coordinator/link/grpc-report-server.ts";
import type { ReportAddress } from "../../../shared/control/control.ts";
import { SystemClock } from "../../../shared/platform/system-clock.ts";
import { AGENT_ID_METADATA, openReportStream } from "../../../shared/wire/report-service.ts";
import { sampleReport } from "../../support/sample-report.ts";

const clock = new SystemClock();

/** The identities of one fleet, as far as reports need them. */
function certificates(context: TestContext, fleet: string) {
  const authority = new Authority(fleet, 1);
  context.after(() => {
    authority.close();
  });
  const of = (commonName: string, hosts: readonly string[] = []): ReportServerTls => ({
    ...authority.certify({ commonName, hosts }),
    caPem: authority.certified.certificatePem,
  });
  return { coordinator: of("coordinator", ["nowhere.example"]), agent: of("agent-1"), of };
}

async function serve(context: TestContext, tls?: ReportServerTls): Promise<GrpcReportServer> {
  const server = await startReportServer({
    host: "127.0.0.1",
    port: 0,
    runToken: "",
    receiver: {
      onInterval: () => Promise.resolve(undefined),
      onRecords: () => Promise.resolve(undefined),
    },
    ...(tls === undefined ? {} : { tls }),
  });
  context.after(() => server.close());
  return server;
}

/** What an agent hears first that settles something: an acknowledgement of its report, or a refusal. */
function report(
  context: TestContext,
  address: ReportAddress,
  tls: ReportLinkTls | undefined,
  agentId = "agent-1",
): Promise<string> {
  return new Promise((resolve) => {
    const stream = grpcReportLink({ agentId, token: "", clock, tls }).open(address, agentId, {
      onOpen: () => {
        stream.sendInterval({ ...sampleReport(1), agentId });
      },
      onLost: () => undefined,
      onAck: (_, sequence) => {
        resolve(`ack ${sequence}`);
      },
      onRefusal: ({ code }) => {
        resolve(code);
      },
    });
    context.after(() => stream.close());
  });
}

test("an agent reports over TLS to the coordinator that it was told of, wherever that runs", async (context) => {
  const { coordinator, agent } = certificates(context, "gpu");
  const server = await serve(context, coordinator);
  assert.match(server.address.certificateFingerprint, /^([0-9A-F]{2}:){31}[0-9A-F]{2}$/);
  assert.equal(await report(context, server.address, agent), "ack 1");
});

test("an agent cannot report in the name of another", async (context) => {
  const { coordinator, agent } = certificates(context, "gpu");
  const server = await serve(context, coordinator);
  assert.equal(
    await report(context, server.address, agent, "agent-2"),
    "LL_REPORT_UNAUTHENTICATED",
  );
  assert.equal(server.counts().refusals.get("LL_REPORT_UNAUTHENTICATED"), 1);
  assert.equal(server.counts().intervalsTaken, 0);
});

test("an agent tells its reports to nobody but the certificate that was named, of its own fleet", async (context) => {
  const ours = certificates(context, "gpu");
  const theirs = certificates(context, "other");
  const server = await serve(context, ours.coordinator);
  const another = ours.of("coordinator", ["nowhere.example"]);
  const second = await serve(context, another);
  const { certificateFingerprint } = second.address;
  assert.equal(
    await report(context, { ...server.address, certificateFingerprint }, ours.agent),
    "LL_REPORT_TLS",
    "a coordinator of the fleet that is not the one of this run",
  );
  assert.equal(
    await report(context, server.address, { ...ours.agent, caPem: theirs.agent.caPem }),
    "LL_REPORT_TLS",
    "a coordinator of another fleet",
  );
  const plain = await serve(context);
  assert.equal(await report(context, plain.address, ours.agent), "LL_REPORT_INSECURE");
  assert.equal(await report(context, server.address, undefined), "LL_REPORT_NO_CREDENTIALS");
  assert.equal(server.counts().streamsOpened, 0);
});

test("who has no certificate of the fleet does not reach the report service at all", async (context) => {
  const ours = certificates(context, "gpu");
  const theirs = certificates(context, "other");
  const server = await serve(context, ours.coordinator);
  const anyServer = { checkServerIdentity: () => undefined };
  const authority = Buffer.from(ours.coordinator.caPem);
  const without = credentials.createSsl(authority, null, null, anyServer);
  const foreign = credentials.createSsl(
    authority,
    Buffer.from(theirs.agent.keyPem),
    Buffer.from(theirs.agent.certificatePem),
    anyServer,
  );
  for (const each of [credentials.createInsecure(), without, foreign])
    assert.equal(await statusOf(server, each), status.UNAVAILABLE);
  assert.equal(server.counts().streamsOpened, 0);
  assert.equal(await report(context, server.address, ours.agent), "ack 1", "the server lives on");
});

async function statusOf(server: GrpcReportServer, each: ChannelCredentials): Promise<status> {
  const client = new Client(server.address.url, each, {
    "grpc.ssl_target_name_override": "coordinator",
  });
  const metadata = new Metadata();
  metadata.set(AGENT_ID_METADATA, Buffer.from("agent-1"));
  const call = openReportStream(client, metadata);
  call.on("error", () => undefined);
  const ended = await new Promise<status>((resolve) => {
    call.on("status", ({ code }) => {
      resolve(code);
    });
  });
  client.close();
  return ended;
}
