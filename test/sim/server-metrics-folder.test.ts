import assert from "node:assert/strict";
import { appendFile, mkdtemp, readFile, rm, stat } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type TestContext, test } from "node:test";
import { replayFolder, resultOfReplay } from "../../coordinator/main.ts";
import { openRunFolder, reopenRunFolder } from "../../coordinator/store/run-folder.ts";
import { RUN_ID, runCluster } from "../support/sim-cluster.ts";
import { clusterOptions, linesOf, LIST_PLAN, reportsOf } from "../support/sim-run.ts";
import { each, replicasFrom, scraped } from "../unit/server/scraped.ts";

const VERSION = "1";
const URLS = ["http://10.0.0.1:8000/metrics"];

/** The folder of a run at three rates, killed after so many lines of its log, with a scrape each quarter of a second. */
async function folderOf(context: TestContext, lines = Infinity): Promise<string> {
  const { journal } = await runCluster(5, clusterOptions(LIST_PLAN));
  const parent = await mkdtemp(join(tmpdir(), "loadline-observed-"));
  context.after(() => rm(parent, { recursive: true }));
  const directory = join(parent, "run");
  const store = await openRunFolder(directory, { records: false, server: true });
  await store.writePlan({
    ...LIST_PLAN,
    serverMetricsUrls: URLS,
    loadline: VERSION,
    runId: RUN_ID,
    startedAt: "2026-01-01T00:00:00.000Z",
    model: "m",
    directory,
  });
  for (const report of reportsOf(journal)) await store.appendInterval(report);
  for (const line of linesOf(journal).slice(0, lines)) await store.appendLog({ ...line });
  await store.appendServer(replicasFrom(0, 1));
  for (const at of each(20))
    await store.appendServer(scraped(at / 4, { running: at, waiting: 1, kvUse: 0.5 }));
  await store.close();
  return directory;
}

test("what was scraped is part of what a folder gives back", async (context) => {
  const directory = await folderOf(context);
  const { server, probes, files } = resultOfReplay(await replayFolder(directory, VERSION));
  assert.deepEqual([server?.engine, server?.urls, server?.replicas], ["vllm", URLS, 1]);
  assert.equal(probes.length, 3);
  for (const probe of probes) assert.equal(probe.server?.waitingMean, 1);
  const [first, , last] = probes.map((probe) => probe.server?.runningMean ?? NaN);
  assert.ok(first! < last!, "each window has its own scrapes");
  assert.ok(files.names.includes("server.jsonl"));
});

test("a scrape that a kill tore is left out, and cut off before another is written behind it", async (context) => {
  const directory = await folderOf(context, 6);
  const file = join(directory, "server.jsonl");
  const whole = (await stat(file)).size;
  await appendFile(file, '{"kind":"scrape","atN');
  const { ledger, torn } = await replayFolder(directory, VERSION);
  assert.equal(ledger.server?.tracks[0]?.gauge("running").length, 20);
  const store = await reopenRunFolder(directory, { records: false, server: true, torn });
  assert.equal((await stat(file)).size, whole);
  await store.appendServer(scraped(9, { running: 1 }));
  await store.close();
  assert.match(await readFile(file, "utf8"), /\n\{"kind":"scrape","atNs":9000000000[^\n]+\n$/);
});

test("without --server-metrics there is no such file, and no such part of the result", async (context) => {
  const parent = await mkdtemp(join(tmpdir(), "loadline-observed-"));
  context.after(() => rm(parent, { recursive: true }));
  const store = await openRunFolder(join(parent, "run"), { records: false });
  await store.appendServer(replicasFrom(0, 1));
  await store.close();
  await assert.rejects(stat(join(parent, "run", "server.jsonl")));
});
