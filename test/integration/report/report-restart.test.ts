import assert from "node:assert/strict";
import type { ChildProcess } from "node:child_process";
import { fork } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test, type TestContext } from "node:test";
import { fileURLToPath } from "node:url";
import { grpcReportLink } from "../../../agent/link/grpc-report-link.ts";
import { Reporter } from "../../../agent/reporting/reporter.ts";
import { readIntervals, readRequests } from "../../../coordinator/store/run-folder.ts";
import type { IntervalReport } from "../../../shared/measurement/report.ts";
import { SystemClock } from "../../../shared/platform/system-clock.ts";
import { sampleRecord, sampleReport } from "../../support/sample-report.ts";

const SERVER = fileURLToPath(new URL("./report-server-process.ts", import.meta.url));
const TOKEN = "the-run's-token";
const REPORTS = 1_000;
const KILLED_AFTER = 300;

interface Running {
  readonly child: ChildProcess;
  readonly url: string;
  /** Resolves when this many reports are on its disk. */
  kept(count: number): Promise<void>;
}

async function startServer(
  context: TestContext,
  options: { directory: string; port: string },
): Promise<Running> {
  const child = fork(SERVER, [options.directory, options.port, TOKEN]);
  context.after(() => {
    child.kill("SIGKILL");
  });
  const [{ url }] = (await once(child, "message")) as [{ url: string }];
  let keptNow = 0;
  const waiting: { count: number; resolve: () => void }[] = [];
  child.on("message", (message: { kept: number }) => {
    keptNow = message.kept;
    for (const { count, resolve } of waiting) if (keptNow >= count) resolve();
  });
  return {
    child,
    url,
    kept: (count) =>
      new Promise((resolve) => {
        if (keptNow >= count) resolve();
        else waiting.push({ count, resolve });
      }),
  };
}

async function sequencesOf(directory: string): Promise<number[]> {
  const reports: IntervalReport[] = [];
  for await (const report of readIntervals(directory)) reports.push(report);
  for (const report of reports) assert.deepEqual(report, sampleReport(report.sequence));
  return reports.map((report) => report.sequence);
}

function upTo(count: number, from = 1): number[] {
  return Array.from({ length: count - from + 1 }, (_, at) => from + at);
}

test("1,000 reports arrive once and in order though the server is killed midway", async (context) => {
  const parent = await mkdtemp(join(tmpdir(), "loadline-report-"));
  context.after(() => rm(parent, { recursive: true }));
  const [firstFolder, secondFolder] = [join(parent, "first"), join(parent, "second")];
  const first = await startServer(context, { directory: firstFolder, port: "0" });

  const clock = new SystemClock();
  const reporter = new Reporter({
    runId: "run-1",
    agentId: "agent-1",
    epoch: 7,
    clock,
    link: grpcReportLink({ agentId: "agent-1", token: TOKEN, clock }),
    address: { url: first.url, certificateFingerprint: "" },
  });
  context.after(() => reporter.close());
  for (let sequence = 1; sequence <= REPORTS; sequence += 1) {
    reporter.addInterval(sampleReport(sequence));
    if (sequence === REPORTS / 2) {
      await first.kept(KILLED_AFTER);
      first.child.kill("SIGKILL");
      await once(first.child, "exit");
    }
  }
  const acknowledgedByFirst = REPORTS - reporter.spooledReports;
  const port = first.url.split(":")[1]!;
  const second = await startServer(context, { directory: secondFolder, port });
  assert.equal(second.url, first.url);
  reporter.addRecord(1, sampleRecord(0));
  await reporter.flush();
  await reporter.close();
  second.child.send("close");
  await once(second.child, "exit");

  const inFirst = await sequencesOf(firstFolder);
  const inSecond = await sequencesOf(secondFolder);
  assert.deepEqual(inFirst, upTo(inFirst.length), "once and in order before the kill");
  const resumedAt = inSecond[0]!;
  assert.deepEqual(inSecond, upTo(REPORTS, resumedAt), "once and in order after it, to the end");
  assert.ok(inFirst.length >= KILLED_AFTER && inFirst.length <= REPORTS / 2);
  assert.ok(acknowledgedByFirst <= inFirst.length, "what was acknowledged had been written");
  assert.ok(resumedAt <= inFirst.length + 1, "and nothing between the two is missing");
  assert.equal(reporter.reportsLost, 0);
  const requests: number[] = [];
  for await (const request of readRequests(secondFolder)) requests.push(request.index);
  assert.deepEqual(requests, [0]);
});
