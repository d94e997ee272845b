import assert from "node:assert/strict";
import {
  mkdir,
  mkdtemp,
  readdir,
  readFile,
  rm,
  symlink,
  truncate,
  writeFile,
} from "node:fs/promises";
import { stat } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test, type TestContext } from "node:test";
import { AppendFile } from "../../../coordinator/store/append-file.ts";
import { RequestsFile } from "../../../coordinator/store/requests-file.ts";
import {
  openRunFolder,
  readIntervals,
  readLog,
  readRequests,
} from "../../../coordinator/store/run-folder.ts";
import type { TornTail } from "../../../coordinator/store/torn.ts";
import { ExitCode, LoadError } from "../../../shared/errors.ts";
import { sampleBatch, sampleRecord, sampleReport } from "../../support/sample-report.ts";

async function folder(context: TestContext): Promise<string> {
  const parent = await mkdtemp(join(tmpdir(), "loadline-store-"));
  context.after(() => rm(parent, { recursive: true }));
  return join(parent, "run");
}

async function all<Item>(items: AsyncIterable<Item>): Promise<Item[]> {
  const list: Item[] = [];
  for await (const item of items) list.push(item);
  return list;
}

function isLoadError(code: string, exitCode: ExitCode): (error: unknown) => boolean {
  return (error) => {
    assert.ok(error instanceof LoadError, String(error));
    assert.equal(error.code, code);
    assert.equal(error.exitCode, exitCode);
    return true;
  };
}

test("reports, decisions and requests come back as they were written", async (context) => {
  const directory = await folder(context);
  const store = await openRunFolder(directory, { records: true, classNames: ["chat"] });
  const reports = Array.from({ length: 200 }, (_, at) => sampleReport(at + 1));
  await store.writePlan({ seed: 1 });
  await Promise.all(reports.map((report) => store.appendInterval(report)));
  await store.appendLog({ kind: "begin", atNs: 0 });
  await store.appendLog({ kind: "verdict", atNs: 5, verdict: "met", note: "ä\n€" });
  await store.appendRecords(sampleBatch(1, 3));
  await store.appendRecords({
    ...sampleBatch(2, 0),
    records: [{ ...sampleRecord(9), ttftUs: -1, gapMeanUs: -1, outcome: "timeout", classIndex: 4 }],
  });
  await store.close();

  assert.deepEqual(await all(readIntervals(directory)), reports);
  assert.deepEqual(await all(readLog(directory)), [
    { kind: "begin", atNs: 0 },
    { kind: "verdict", atNs: 5, verdict: "met", note: "ä\n€" },
  ]);
  const requests = await all(readRequests(directory));
  assert.equal(requests.length, 4);
  assert.deepEqual(requests[0], {
    index: 3,
    segment: 1,
    agent: "agent-1",
    intendedMs: 30,
    sendDelayMs: 0.021,
    ttftMs: 20.5,
    gapMeanMs: 10.25,
    maxGapMs: 30,
    e2eMs: 200,
    durationMs: 201,
    outputTokens: 18,
    inputTokens: 128,
    contentEvents: 18,
    outcome: "ok",
    status: 200,
    class: "chat",
  });
  assert.equal(requests[3]?.ttftMs, null);
  assert.equal(requests[3].gapMeanMs, null);
  assert.equal(requests[3].outcome, "timeout");
  assert.equal(requests[3].class, 4, "a class without a name is shown by number");
  assert.deepEqual(JSON.parse(await readFile(join(directory, "plan.json"), "utf8")), { seed: 1 });
});

test("an appended report can be read before the folder is closed", async (context) => {
  const directory = await folder(context);
  const store = await openRunFolder(directory, { records: false });
  await store.appendInterval(sampleReport(1));
  assert.deepEqual(await all(readIntervals(directory)), [sampleReport(1)]);
  await store.close();
});

test("a folder that holds anything is refused and left as it is; an empty one is taken", async (context) => {
  const directory = await folder(context);
  await mkdir(directory);
  const store = await openRunFolder(directory, { records: false });
  await store.close();
  const before = await readdir(directory);
  await assert.rejects(
    openRunFolder(directory, { records: false }),
    isLoadError("LL_RUN_FOLDER_EXISTS", ExitCode.PlanInvalid),
  );
  assert.deepEqual(await readdir(directory), before);

  const file = join(directory, "plain");
  await writeFile(file, "");
  await assert.rejects(
    openRunFolder(file, { records: false }),
    isLoadError("LL_RUN_FOLDER_EXISTS", ExitCode.PlanInvalid),
  );
  await assert.rejects(
    openRunFolder(join(file, "run"), { records: false }),
    isLoadError("LL_RUN_FOLDER_WRITE", ExitCode.MeasurementInvalid),
  );
});

test("wherever the last report is torn, the whole ones are read and the tear is told", async (context) => {
  const directory = await folder(context);
  const store = await openRunFolder(directory, { records: false });
  await store.appendInterval(sampleReport(1));
  const path = join(directory, "intervals.bin");
  const { size: wholeBytes } = await stat(path);
  await store.appendInterval(sampleReport(2));
  await store.close();
  const whole = await readFile(path);
  for (const length of [wholeBytes + 1, wholeBytes + 2, wholeBytes + 40, whole.length - 1]) {
    await writeFile(path, whole.subarray(0, length));
    const torn: TornTail[] = [];
    const read = await all(readIntervals(directory, { onTorn: (tail) => torn.push(tail) }));
    assert.deepEqual(read, [sampleReport(1)]);
    assert.deepEqual(torn, [{ path, wholeBytes }]);
  }
  await truncate(path, 0);
  const torn: TornTail[] = [];
  assert.deepEqual(await all(readIntervals(directory, { onTorn: (tail) => torn.push(tail) })), []);
  assert.deepEqual(torn, []);
});

test("a report that was changed on disk is named as damaged", async (context) => {
  const directory = await folder(context);
  const store = await openRunFolder(directory, { records: false });
  await store.appendInterval(sampleReport(1));
  await store.appendInterval(sampleReport(2));
  await store.close();
  const path = join(directory, "intervals.bin");
  const bytes = await readFile(path);
  bytes.fill(0xff, 20, 40);
  await writeFile(path, bytes);
  const damaged = isLoadError("LL_RUN_FOLDER_DAMAGED", ExitCode.PlanInvalid);
  await assert.rejects(all(readIntervals(directory)), damaged);
  await writeFile(path, Buffer.alloc(100, 0xff));
  await assert.rejects(all(readIntervals(directory)), damaged);
  // 2 GiB, as a varint: no report is so long, and nobody is to wait for the rest of it.
  await writeFile(path, Buffer.from([0xff, 0xff, 0xff, 0xff, 0x07, 1, 2, 3]));
  await assert.rejects(all(readIntervals(directory)), damaged);
});

test("a log and requests that end in the middle of a line are read up to it", async (context) => {
  const directory = await folder(context);
  const store = await openRunFolder(directory, { records: true });
  await store.appendLog({ kind: "begin", atNs: 0 });
  for (let batch = 1; batch <= 400; batch += 1) await store.appendRecords(sampleBatch(batch, 20));
  await store.close();

  await writeFile(join(directory, "log.jsonl"), '{"kind":"begin","atNs":0}\n{"kind":"ver');
  const torn: TornTail[] = [];
  const onTorn = (tail: TornTail): void => void torn.push(tail);
  assert.deepEqual(await all(readLog(directory, { onTorn })), [{ kind: "begin", atNs: 0 }]);
  assert.deepEqual(torn, [{ path: join(directory, "log.jsonl"), wholeBytes: 26 }]);

  const path = join(directory, "requests.jsonl.zst");
  const whole = await all(readRequests(directory, { onTorn }));
  assert.equal(whole.length, 8_000);
  assert.equal(torn.length, 1);
  await truncate(path, Math.floor((await stat(path)).size * 0.9));
  const part = await all(readRequests(directory, { onTorn }));
  assert.ok(part.length > 0 && part.length < 8_000, `${part.length} requests`);
  assert.deepEqual(part, whole.slice(0, part.length));
  assert.equal(torn.length, 2);
});

test("a batch that comes twice, as after a reconnect, is kept once", async (context) => {
  const directory = await folder(context);
  const store = await openRunFolder(directory, { records: true });
  await store.appendRecords(sampleBatch(1, 2));
  await store.appendRecords(sampleBatch(2, 2));
  await store.appendRecords(sampleBatch(1, 2));
  await store.appendRecords(sampleBatch(2, 2));
  await store.appendRecords({ ...sampleBatch(1, 1), epoch: 8 });
  await store.close();
  const requests = await all(readRequests(directory));
  assert.deepEqual(
    requests.map((request) => request.index),
    [2, 3, 4, 5, 1],
  );
});

test("what is appended while a write is under way keeps its order, and each waits for its own write", async (context) => {
  const directory = await folder(context);
  await mkdir(directory);
  const path = join(directory, "file");
  const file = await AppendFile.open(path);
  const done: number[] = [];
  const appends = Array.from({ length: 100 }, async (_, at) => {
    await file.append(Buffer.from(`${at}\n`));
    const written = await readFile(path, "utf8");
    assert.ok(written.includes(`${at}\n`));
    done.push(at);
  });
  await Promise.all(appends);
  await file.close();
  assert.equal(
    await readFile(path, "utf8"),
    Array.from({ length: 100 }, (_, at) => `${at}\n`).join(""),
  );
  assert.equal(done.length, 100);
  await assert.rejects(
    file.append(Buffer.from("late")),
    isLoadError("LL_RUN_FOLDER_WRITE", ExitCode.MeasurementInvalid),
  );
});

test("a full disk is an error of the world, for this append and every later one", async (context) => {
  const full = await AppendFile.open("/dev/full");
  const failed = isLoadError("LL_RUN_FOLDER_WRITE", ExitCode.MeasurementInvalid);
  await Promise.all([
    assert.rejects(full.append(Buffer.from("a")), failed),
    assert.rejects(full.append(Buffer.from("b")), failed),
  ]);
  await assert.rejects(full.append(Buffer.from("c")), failed);
  await full.close();

  const directory = await folder(context);
  await mkdir(directory);
  await symlink("/dev/full", join(directory, "requests.jsonl.zst"));
  const requests = new RequestsFile(directory, []);
  await requests.append(sampleBatch(1, 5));
  await assert.rejects(requests.close(), failed);
});

test("a whole file appears at once, and a failed one leaves nothing half-written", async (context) => {
  const directory = await folder(context);
  const store = await openRunFolder(directory, { records: false });
  await store.writeFile("result.json", "{}");
  await store.writeFile("result.json", "[]");
  assert.equal(await readFile(join(directory, "result.json"), "utf8"), "[]");
  assert.deepEqual((await readdir(directory)).sort(), [
    "coordinator.pid",
    "intervals.bin",
    "log.jsonl",
    "result.json",
  ]);
  await mkdir(join(directory, "report.html"));
  await assert.rejects(
    store.writeFile("report.html", "x"),
    isLoadError("LL_RUN_FOLDER_WRITE", ExitCode.MeasurementInvalid),
  );
  assert.ok(!(await readdir(directory)).some((name) => name.endsWith(".tmp")));
  await assert.rejects(store.writeFile("../elsewhere", "x"), /plain name/);
  await store.close();
});

test("a folder that is not there is said to be so", async () => {
  const missing = isLoadError("LL_RUN_FOLDER_READ", ExitCode.PlanInvalid);
  await assert.rejects(all(readIntervals("/no/such/run")), missing);
  await assert.rejects(all(readLog("/no/such/run")), missing);
  await assert.rejects(all(readRequests("/no/such/run")), missing);
});
