import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { once } from "node:events";
import { connect } from "node:net";
import { test, type TestContext } from "node:test";
import type { ClientDuplexStream, StatusObject } from "@grpc/grpc-js";
import { Client, credentials, Metadata, status } from "@grpc/grpc-js";
import { grpcReportLink } from "../../../agent/link/grpc-report-link.ts";
import type { ReportStream } from "../../../agent/ports.ts";
import { Reporter } from "../../../agent/reporting/reporter.ts";
import type {
  GrpcReportServer,
  ReportServerOptions,
} from "../../../coordinator/link/grpc-report-server.ts";
import { startReportServer } from "../../../coordinator/link/grpc-report-server.ts";
import type { ReportReceiver } from "../../../coordinator/ports.ts";
import type { Refusal } from "../../../shared/control/control.ts";
import { LoadError } from "../../../shared/errors.ts";
import { SystemClock } from "../../../shared/platform/system-clock.ts";
import { REPORT_BYTES_MAX } from "../../../shared/wire/report-bounds.ts";
import { encodeReportUp } from "../../../shared/wire/report-codec.ts";
import {
  AGENT_ID_METADATA,
  AUTHORIZATION_METADATA,
  bearer,
  openFileStream,
} from "../../../shared/wire/report-service.ts";
import { sampleBatch, sampleReport } from "../../support/sample-report.ts";

const TOKEN = "the-run's-token";
const clock = new SystemClock();

const KEEPS_ALL: ReportReceiver = {
  onInterval: () => Promise.resolve(undefined),
  onRecords: () => Promise.resolve(undefined),
};

async function serve(
  context: TestContext,
  receiver: ReportReceiver,
  options: Partial<ReportServerOptions> = {},
): Promise<GrpcReportServer> {
  const server = await startReportServer({
    host: "127.0.0.1",
    port: 0,
    runToken: TOKEN,
    receiver,
    ...options,
  });
  context.after(() => server.close());
  return server;
}

/** An agent's stream, with everything that it hears, in order; `heard` resolves with the first so many. */
function listenOn(
  context: TestContext,
  server: GrpcReportServer,
  agentId = "agent-1",
): { stream: ReportStream; events: string[]; heard: (event: string) => Promise<void> } {
  const events: string[] = [];
  const waiting: { event: string; resolve: () => void }[] = [];
  const hear = (event: string): void => {
    events.push(event);
    for (const each of waiting) if (each.event === event) each.resolve();
  };
  const link = grpcReportLink({ agentId, token: TOKEN, clock });
  const stream = link.open(server.address, agentId, {
    onOpen: () => {
      hear("open");
    },
    onLost: () => {
      hear("lost");
    },
    onAck: (epoch, sequence) => {
      hear(`ack ${epoch}:${sequence}`);
    },
    onRefusal: (refusal: Refusal) => {
      hear(`refusal ${refusal.code}`);
    },
  });
  context.after(() => stream.close());
  return {
    stream,
    events,
    heard: (event) =>
      new Promise((resolve) => {
        if (events.includes(event)) resolve();
        else waiting.push({ event, resolve });
      }),
  };
}

/** A receiver whose promises a test resolves; `taken` resolves with each report's sequence as it comes. */
function holding(): {
  receiver: ReportReceiver;
  release: (refusal?: Refusal) => void;
  taken: (count: number) => Promise<void>;
} {
  const held: ((refusal?: Refusal) => void)[] = [];
  let count = 0;
  const waiting: { count: number; resolve: () => void }[] = [];
  return {
    receiver: {
      ...KEEPS_ALL,
      onInterval: () =>
        new Promise((resolve) => {
          held.push((refusal) => {
            resolve(refusal);
          });
          count += 1;
          for (const each of waiting) if (count >= each.count) each.resolve();
        }),
    },
    release: (refusal) => held.shift()?.(refusal),
    taken: (wanted) =>
      new Promise((resolve) => {
        if (count >= wanted) resolve();
        else waiting.push({ count: wanted, resolve });
      }),
  };
}

test("a report is acknowledged after the receiver kept it, never before", async (context) => {
  const { receiver, release, taken } = holding();
  const server = await serve(context, receiver);
  const { stream, events, heard } = listenOn(context, server);
  await heard("open");
  assert.equal(stream.sendInterval(sampleReport(1)), true);
  assert.equal(stream.sendInterval(sampleReport(2)), true);
  await taken(1);
  // Anything else that the server says comes behind what it said before, so an early word would be seen here.
  release();
  await heard("ack 7:1");
  await taken(2);
  release({ code: "LL_REPORT_CONFLICT", message: "no", hint: "none" });
  await heard("refusal LL_REPORT_CONFLICT");
  assert.deepEqual(events, ["open", "ack 7:1", "refusal LL_REPORT_CONFLICT"]);
  assert.deepEqual([...server.counts().refusals], [["LL_REPORT_CONFLICT", 1]]);
  assert.equal(server.counts().intervalsTaken, 1);
});

test("reports of one stream are kept one after another, and one acknowledgement stands for many", async (context) => {
  const kept: number[] = [];
  let underWay = 0;
  const server = await serve(context, {
    ...KEEPS_ALL,
    async onInterval(report) {
      assert.equal(underWay, 0, "the one before is done");
      underWay += 1;
      await new Promise(setImmediate);
      kept.push(report.sequence);
      underWay -= 1;
      return undefined;
    },
  });
  const { stream, events, heard } = listenOn(context, server);
  await heard("open");
  for (let sequence = 1; sequence <= 16; sequence += 1) {
    assert.equal(stream.sendInterval(sampleReport(sequence)), true);
  }
  await heard("ack 7:16");
  assert.deepEqual(
    kept,
    Array.from({ length: 16 }, (_, at) => at + 1),
  );
  assert.ok(events.length < 10, `${events.length - 1} acknowledgements for 16 reports`);
});

test("records behind a report do not hold its acknowledgement back", async (context) => {
  const { receiver, release, taken } = holding();
  const server = await serve(context, receiver);
  const { stream, heard } = listenOn(context, server);
  await heard("open");
  stream.sendInterval(sampleReport(1));
  await taken(1);
  stream.sendInterval(sampleReport(2));
  // Sent while nothing else waits to be written, and here long before the report in hand is let go.
  await new Promise((resolve) => setTimeout(resolve, 50));
  assert.equal(stream.sendRecords(sampleBatch(1, 3)), true);
  await new Promise((resolve) => setTimeout(resolve, 50));
  release();
  await taken(2);
  release();
  await heard("ack 7:2");
  assert.equal(server.counts().recordBatchesTaken, 1);
});

test("a server that closes finishes the report in hand, acknowledges it, and the agent keeps the rest", async (context) => {
  const { receiver, release, taken } = holding();
  const server = await serve(context, receiver);
  const { stream, events, heard } = listenOn(context, server);
  await heard("open");
  stream.sendInterval(sampleReport(1));
  stream.sendInterval(sampleReport(2));
  await taken(1);
  const closed = server.close();
  release();
  await closed;
  await heard("lost");
  assert.deepEqual(events, ["open", "ack 7:1", "lost"]);
});

test("a receiver that fails costs nothing: the report is sent again until it is kept", async (context) => {
  let failures = 2;
  const kept: number[] = [];
  const warned: string[] = [];
  const server = await serve(
    context,
    {
      ...KEEPS_ALL,
      onInterval(report) {
        failures -= 1;
        if (failures >= 0) return Promise.reject(new Error("the disk is full"));
        kept.push(report.sequence);
        return Promise.resolve(undefined);
      },
    },
    { log: { warn: (_fields, message) => warned.push(message) } },
  );
  const reporter = new Reporter({
    runId: "run-1",
    agentId: "agent-1",
    epoch: 7,
    clock,
    link: grpcReportLink({ agentId: "agent-1", token: TOKEN, clock, random: () => 1 }),
    address: server.address,
  });
  for (let sequence = 1; sequence <= 3; sequence += 1) reporter.addInterval(sampleReport(sequence));
  await reporter.flush();
  await reporter.close();
  assert.deepEqual(kept, [1, 2, 3]);
  assert.equal(server.counts().streamsFailed, 2);
  assert.deepEqual(warned, ["a report could not be kept", "a report could not be kept"]);
});

test("an agent that is not listened to is told to wait, and told when it can go on", async (context) => {
  const { receiver, release, taken } = holding();
  const server = await serve(context, receiver);
  const { stream, events, heard } = listenOn(context, server);
  await heard("open");
  const exceedance = { index: 1, intendedAtNs: 1, clause: 0, level: 0 };
  const { deltas } = sampleReport(1);
  const large = [{ ...deltas[0]!, exceedances: new Array(16_000).fill(exceedance) }];
  let accepted = 0;
  while (stream.sendInterval(sampleReport(accepted + 1, { deltas: large }))) {
    accepted += 1;
    assert.ok(accepted < 500, "gRPC's buffer has no end");
    await new Promise(setImmediate);
  }
  assert.equal(stream.sendRecords(sampleBatch(1, 1)), false, "records do not pass what waits");
  for (let count = 1; count <= accepted; count += 1) {
    await taken(count);
    release();
  }
  await heard(`ack 7:${accepted}`);
  assert.equal(events.filter((event) => event === "open").length, 2);
  assert.equal(stream.sendRecords(sampleBatch(1, 1)), true);
});

/** A peer that says what it likes: bytes for messages, and any metadata. */
class RawPeer {
  readonly call: ClientDuplexStream<Buffer, Buffer>;
  readonly ended: Promise<StatusObject>;
  readonly said: Buffer[] = [];
  readonly #client: Client;

  constructor(server: GrpcReportServer, metadata: Metadata) {
    this.#client = new Client(server.address.url, credentials.createInsecure());
    const same = (bytes: Buffer): Buffer => bytes;
    const path = "/loadline.v1.ReportService/Report";
    this.call = this.#client.makeBidiStreamRequest(path, same, same, metadata);
    this.call.on("data", (bytes: Buffer) => this.said.push(bytes));
    this.call.on("error", () => undefined);
    this.ended = new Promise((resolve) => {
      this.call.on("status", (ended) => {
        this.#client.close();
        resolve(ended);
      });
    });
  }
}

function metadataOf(options: { token: string; agentId: string | undefined }): Metadata {
  const metadata = new Metadata();
  metadata.set(AUTHORIZATION_METADATA, bearer(options.token));
  if (options.agentId !== undefined) metadata.set(AGENT_ID_METADATA, Buffer.from(options.agentId));
  return metadata;
}

test("what a peer sends wrongly is refused and counted, and another agent's stream lives on", async (context) => {
  const kept: string[] = [];
  const server = await serve(context, {
    onInterval(report) {
      kept.push(`${report.agentId} ${report.sequence}`);
      return Promise.resolve(undefined);
    },
    onRecords(batch) {
      kept.push(`${batch.agentId} records ${batch.batch}`);
      return Promise.resolve(undefined);
    },
  });
  const healthy = listenOn(context, server);
  await healthy.heard("open");
  const foreign = metadataOf({ token: TOKEN, agentId: "agent-2" });

  const refusedWith = async (message: Uint8Array): Promise<string> => {
    const peer = new RawPeer(server, foreign);
    peer.call.write(Buffer.from(message));
    const ended = await peer.ended;
    assert.equal(ended.code, status.OK, "it ends in order, behind its refusal");
    assert.equal(peer.said.length, 1);
    return peer.said[0]!.toString("latin1");
  };
  assert.match(await refusedWith(Buffer.from("no protobuf at all")), /LL_REPORT_MALFORMED/);
  assert.match(await refusedWith(Buffer.alloc(0)), /LL_REPORT_MALFORMED/);
  assert.match(
    await refusedWith(
      encodeReportUp({ kind: "interval", report: sampleReport(1, { open: -0, runId: "" }) }),
    ),
    /LL_REPORT_MALFORMED/,
  );
  assert.match(await refusedWith(Buffer.alloc(REPORT_BYTES_MAX + 1)), /bytes, more than/);
  assert.match(
    await refusedWith(encodeReportUp({ kind: "interval", report: sampleReport(1) })),
    /LL_REPORT_FOREIGN_AGENT/,
  );
  assert.match(
    await refusedWith(encodeReportUp({ kind: "records", batch: sampleBatch(1, 2) })),
    /LL_REPORT_FOREIGN_AGENT/,
  );

  const huge = new RawPeer(server, foreign);
  huge.call.write(Buffer.alloc(2 * REPORT_BYTES_MAX));
  assert.equal((await huge.ended).code, status.RESOURCE_EXHAUSTED);

  for (const metadata of [
    metadataOf({ token: `${TOKEN}x`, agentId: "agent-2" }),
    metadataOf({ token: TOKEN, agentId: undefined }),
    new Metadata(),
  ]) {
    const peer = new RawPeer(server, metadata);
    assert.equal((await peer.ended).code, status.UNAUTHENTICATED);
    assert.deepEqual(peer.said, []);
  }

  const [host, port] = server.address.url.split(":");
  const garbage = connect(Number(port), host);
  garbage.on("error", () => undefined);
  garbage.resume();
  garbage.end("GET / HTTP/1.1\r\n\r\n\0\0\0 nothing that HTTP/2 knows");
  await once(garbage, "close");

  healthy.stream.sendInterval(sampleReport(1));
  await healthy.heard("ack 7:1");
  assert.deepEqual(kept, ["agent-1 1"]);
  assert.deepEqual(healthy.events, ["open", "ack 7:1"]);
  const counts = server.counts();
  assert.deepEqual(
    new Map(counts.refusals),
    new Map([
      ["LL_REPORT_MALFORMED", 4],
      ["LL_REPORT_FOREIGN_AGENT", 2],
      ["LL_REPORT_UNAUTHENTICATED", 3],
    ]),
  );
  assert.equal(counts.streamsCut, 1);
  assert.equal(counts.intervalsTaken, 1);
});

test("a link that is refused says so once and does not ask again", async (context) => {
  const server = await serve(context, KEEPS_ALL);
  const refusals: Refusal[] = [];
  const link = grpcReportLink({ agentId: "agent-1", token: "another token", clock });
  await new Promise<void>((resolve) => {
    link.open(server.address, "agent-1", {
      onOpen: () => assert.fail("it was let in"),
      onAck: () => assert.fail("it was acknowledged"),
      onLost: () => assert.fail("it was lost"),
      onRefusal: (refusal) => {
        refusals.push(refusal);
        resolve();
      },
    });
  });
  assert.equal(refusals[0]?.code, "LL_REPORT_UNAUTHENTICATED");
  const pinned = { ...server.address, certificateFingerprint: "ab:cd" };
  const noTls = await new Promise<Refusal>((resolve) => {
    link.open(pinned, "agent-1", {
      onOpen: () => assert.fail("it sent the token in clear"),
      onAck: () => undefined,
      onLost: () => undefined,
      onRefusal: resolve,
    });
  });
  assert.equal(noTls.code, "LL_REPORT_NO_CREDENTIALS");
  assert.equal(server.counts().streamsOpened, 0);
  assert.deepEqual([...server.counts().refusals], [["LL_REPORT_UNAUTHENTICATED", 1]]);
});

test("files are served by their hash, to who has the token", async (context) => {
  const contents = Buffer.alloc(300_000, "a line of a data set\n");
  const sha256 = createHash("sha256").update(contents).digest("hex");
  const server = await serve(context, KEEPS_ALL, {
    file: (asked) => Promise.resolve(asked === sha256 ? contents : undefined),
  });
  const client = new Client(server.address.url, credentials.createInsecure());
  context.after(() => {
    client.close();
  });
  const fetch = async (hash: string, token: string): Promise<Uint8Array | number> => {
    const chunks: Uint8Array[] = [];
    const call = openFileStream(client, hash, {
      metadata: metadataOf({ token, agentId: "agent-1" }),
      deadline: new Date(Date.now() + 10_000),
    });
    try {
      for await (const chunk of call as AsyncIterable<Uint8Array>) chunks.push(chunk);
    } catch (error) {
      return (error as StatusObject).code;
    }
    assert.ok(chunks.length > 1);
    return Buffer.concat(chunks);
  };
  assert.deepEqual(await fetch(sha256, TOKEN), contents);
  assert.equal(await fetch("00".repeat(32), TOKEN), status.NOT_FOUND);
  assert.equal(await fetch("00", TOKEN), status.INVALID_ARGUMENT);
  assert.equal(await fetch(sha256, "another"), status.UNAUTHENTICATED);
});

test("an address says where agents reach the server, and a taken port is an error of the world", async (context) => {
  const server = await serve(context, KEEPS_ALL, { advertise: "coordinator.example" });
  const port = Number(/^coordinator\.example:(\d+)$/.exec(server.address.url)?.[1]);
  assert.ok(port > 0);
  const behind = await serve(context, KEEPS_ALL, { advertise: "coordinator.example:4444" });
  assert.equal(behind.address.url, "coordinator.example:4444");
  const six = await serve(context, KEEPS_ALL, { advertise: "fd00::1" });
  assert.match(six.address.url, /^\[fd00::1\]:\d+$/);
  await assert.rejects(serve(context, KEEPS_ALL, { port }), (error) => {
    assert.ok(error instanceof LoadError);
    assert.equal(error.code, "LL_REPORT_LISTEN");
    assert.equal(error.exitCode, 2);
    return true;
  });
});
