import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { test } from "node:test";
import type { Result } from "../../../coordinator/show/result.ts";
import { encodeHistogram } from "../../../shared/measurement/hdr-v2.ts";
import { Histogram } from "../../../shared/measurement/histogram.ts";
import { readIdentity } from "../../../shared/platform/identity.ts";
import { encodeReportUp } from "../../../shared/wire/report-codec.ts";
import {
  closedPort,
  lastSeen,
  logOf,
  openaiServer,
  startHttp,
  startLoadline,
  temporaryFolder,
  until,
} from "../../support/cli.ts";
import { startFleet } from "../../support/fleet.ts";
import {
  bomb,
  reportWithHistogram,
  reportWithNegativeCount,
  sayReport,
} from "../../support/forger.ts";
import { real } from "../../support/nats-server.ts";
import { sampleBatch, sampleReport } from "../../support/sample-report.ts";

const UNAUTHENTICATED = 16;
const RESOURCE_EXHAUSTED = 8;
/** HdrHistogram's cookie of a payload within zlib (hdr-v2.ts). */
const COMPRESSED_COOKIE = 0x1c849314;
/** Inflated, a bomb has 1,024 MiB. */
const GROWTH_MAX_MIB = 400;

test("with an agent's stolen key: what it forges is refused with a reason, and the honest agent's part stands", {
  skip: real.missing ?? false,
}, async (context) => {
  const target = await startHttp(context, openaiServer());
  const init = ["--allow", new URL(target).host];
  const fleet = await startFleet(context, { agents: 3, init });
  for (const id of ["agent-1", "agent-2"])
    startLoadline(context, ["agent", "--nats", fleet.nats, "--identity", fleet.agent(id)]);
  const directory = join(await temporaryFolder(context), "run");
  const url = `127.0.0.1:${await closedPort()}`;
  const run = startLoadline(context, [
    ...["run", "--nats", fleet.nats, "--identity", fleet.coordinator, "--min-agents", "2"],
    ...["--target", target, "--rate", "40", "--duration", "10m", "--output-tokens", "2"],
    ...["--report-listen", url, "--out", directory, "--json"],
  ]);
  await until("both agents have reported", () => allReported(directory), 60_000);

  const { runId } = JSON.parse(await readFile(join(directory, "plan.json"), "utf8")) as {
    runId: string;
  };
  const epoch = await epochOf(directory, "agent-2");
  const [stolen, other] = [fleet.agent("agent-2"), fleet.agent("agent-3")].map(readIdentity);
  assert.ok(stolen !== undefined && other !== undefined);
  const forged = sampleReport(1, { runId, agentId: "agent-2", epoch });
  const asIs = (changes: Partial<typeof forged>): Uint8Array =>
    encodeReportUp({ kind: "interval", report: { ...forged, ...changes } });
  const before = await peakMemoryMib(run.pid);

  const impostor = { claimedId: "agent-1", message: asIs({ agentId: "agent-1" }) };
  const impersonated = await sayReport(url, stolen, impostor);
  assert.equal(impersonated.grpcStatus, UNAUTHENTICATED, "on a stream in another's name");
  assert.match(impersonated.grpcMessage, /the certificate is of "agent-2"/);
  const refused = async (message: Uint8Array, identity = stolen): Promise<string> => {
    const { refusal, grpcStatus } = await sayReport(url, identity, { message });
    assert.ok(refusal !== undefined, `it ended with ${grpcStatus} and no refusal`);
    return `${refusal.code}: ${refusal.message}`;
  };
  assert.match(
    await refused(asIs({ agentId: "agent-1" })),
    /^LL_REPORT_FOREIGN_AGENT: agent agent-2 sent a report in the name of agent agent-1$/,
  );
  assert.match(
    await refused(asIs({ agentId: "agent-3" }), other),
    /^LL_REPORT_FOREIGN_AGENT: agent agent-3 does not take part in this run$/,
  );
  assert.match(
    await refused(asIs({ runId: "another" })),
    /^LL_REPORT_FOREIGN_RUN: a report of run another came to run /,
  );
  const records = { ...sampleBatch(1, 2), agentId: "agent-2", epoch, runId: "another" };
  assert.match(
    await refused(encodeReportUp({ kind: "records", batch: records })),
    /^LL_REPORT_FOREIGN_RUN: records of run another came to run /,
  );
  assert.match(
    await refused(asIs({})),
    /^LL_REPORT_CONFLICT: report 1 of agent agent-2 came twice with different contents$/,
  );

  const foreignGeometry = Buffer.from(encodeHistogram(new Histogram(1_000)));
  foreignGeometry.writeInt32BE(5, 12);
  assert.match(
    await refused(reportWithHistogram(forged, foreignGeometry)),
    /^LL_REPORT_MALFORMED: .*its geometry is 5 digits/,
  );
  assert.match(
    await refused(reportWithNegativeCount(forged)),
    /^LL_REPORT_MALFORMED: .*fired = 18446744073709551615/,
  );
  const packed = bomb("deflate");
  const head = Buffer.alloc(8);
  head.writeInt32BE(COMPRESSED_COOKIE, 0);
  head.writeInt32BE(packed.length, 4);
  assert.match(
    await refused(reportWithHistogram(forged, Buffer.concat([head, packed]))),
    /^LL_REPORT_MALFORMED: .*begins with 1c849314, not with/,
  );
  for (const encoding of ["gzip", "deflate"] as const) {
    const { grpcStatus } = await sayReport(url, stolen, { message: bomb(encoding), encoding });
    assert.equal(grpcStatus, RESOURCE_EXHAUSTED, `a message that is a bomb of ${encoding}`);
  }
  const growth = (await peakMemoryMib(run.pid)) - before;
  assert.ok(growth < GROWTH_MAX_MIB, `the coordinator grew by ${growth} MiB`);

  const reportsSeen = async (): Promise<number> => (await lastSeen(directory))?.reports ?? 0;
  const reports = await reportsSeen();
  await until("the run goes on", async () => (await reportsSeen()) > reports, 60_000);
  run.child.kill("SIGINT");
  const { stdout, stderr } = await run.ended;
  const { agents, validity } = JSON.parse(stdout) as Result;
  const lost = agents.filter((agent) => agent.lost).map(({ id }) => id);
  assert.ok(lost.includes("agent-2"), stderr);
  const refusals = validity.reasons.filter((reason) => reason.includes("were refused"));
  assert.ok(refusals.length > 0, validity.reasons.join("; "));
  for (const each of refusals)
    assert.match(each, /agent-2's reports were refused \(LL_REPORT_MALFORMED\)/);
});

/** Up to `sealedUntilNs` every agent has. */
async function allReported(directory: string): Promise<boolean> {
  return ((await lastSeen(directory))?.sealedUntilNs ?? 0) > 0;
}

async function epochOf(directory: string, agentId: string): Promise<number> {
  const [first] = (await logOf(directory)).filter((entry) => entry.kind === "agents");
  const hello = first?.agents.find((agent) => agent.agentId === agentId);
  assert.ok(hello !== undefined);
  return hello.epoch;
}

/** The most memory that a process ever had, MiB (proc_pid_status(5)). */
async function peakMemoryMib(pid: number): Promise<number> {
  const status = await readFile(`/proc/${pid}/status`, "utf8");
  return Number(/^VmHWM:\s+(\d+) kB$/m.exec(status)?.[1]) / 1024;
}
