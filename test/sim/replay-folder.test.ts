import assert from "node:assert/strict";
import { appendFile, mkdtemp, readFile, rm, stat, truncate, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { before, type TestContext, test } from "node:test";
import { conclude, replayFolder, resultOfReplay } from "../../coordinator/main.ts";
import { renderJson } from "../../coordinator/show/json.ts";
import { openRunFolder, reopenRunFolder } from "../../coordinator/store/run-folder.ts";
import { LoadError } from "../../shared/errors.ts";
import { type ClusterEnd, RUN_ID, runCluster } from "../support/sim-cluster.ts";
import { clusterOptions, linesOf, LIST_PLAN, reportsOf, resultOfEnd } from "../support/sim-run.ts";

const VERSION = "1";

/** One run for all tests of this file; each has its own folder of it. */
let cluster: ClusterEnd;
before(async () => {
  cluster = await runCluster(5, clusterOptions(LIST_PLAN));
});

async function folderOf(context: TestContext, lines = Infinity): Promise<string> {
  const parent = await mkdtemp(join(tmpdir(), "loadline-replay-"));
  context.after(() => rm(parent, { recursive: true }));
  const directory = join(parent, "run");
  const store = await openRunFolder(directory, { records: false });
  await store.writePlan({
    ...LIST_PLAN,
    loadline: VERSION,
    runId: RUN_ID,
    startedAt: "2026-01-01T00:00:00.000Z",
    model: "m",
    directory,
  });
  for (const report of reportsOf(cluster.journal)) await store.appendInterval(report);
  for (const line of linesOf(cluster.journal).slice(0, lines)) await store.appendLog({ ...line });
  await store.close();
  return directory;
}

function refusedWith(code: string, message: RegExp) {
  return (error: unknown): boolean => {
    assert.ok(error instanceof LoadError, String(error));
    assert.equal(error.code, code, error.message);
    assert.equal(error.exitCode, 2);
    assert.match(error.message, message);
    return true;
  };
}

test("a folder gives back its run's result", async (context) => {
  const directory = await folderOf(context);
  const replayed = await replayFolder(directory, VERSION);
  const { files } = resultOfReplay(replayed);
  const whole = { ...resultOfEnd(LIST_PLAN, cluster.end), files };
  assert.equal(renderJson(resultOfReplay(replayed)), renderJson(whole));
  assert.equal(files.directory, directory);
  assert.deepEqual(replayed.torn, []);
});

test("entries that a kill tore are left out, and cut off before anything is written behind them", async (context) => {
  const directory = await folderOf(context, 6);
  const [log, intervals] = [join(directory, "log.jsonl"), join(directory, "intervals.bin")];
  const whole = [(await stat(log)).size, (await stat(intervals)).size];
  const { ledger } = await replayFolder(directory, VERSION);
  await appendFile(log, '{"kind":"step","atN');
  await appendFile(intervals, Buffer.from([0x80, 0x01, 0x0a]));

  const torn = await replayFolder(directory, VERSION);
  assert.equal(renderJson(resultOfReplay(torn)), renderJson(resultOfReplay({ ...torn, ledger })));
  const store = await reopenRunFolder(directory, { records: false, torn: torn.torn });
  assert.deepEqual([(await stat(log)).size, (await stat(intervals)).size], whole);
  await store.appendLog({ kind: "resumed", atNs: 0, incarnation: 2, reports: 0 });
  await store.close();
  assert.match(await readFile(log, "utf8"), /\n\{"kind":"resumed"[^\n]+\n$/);
});

test("a run that was killed behind its last decision is brought to its end without an agent", async (context) => {
  const lines = linesOf(cluster.journal);
  const directory = await folderOf(context, lines.length - 1);
  const replayed = await replayFolder(directory, VERSION);
  assert.deepEqual(replayed.ledger.decided, { kind: "finished" });
  const result = await conclude(replayed, { kind: "finished" });
  assert.equal(result.outcome.kind, "finished");
  const text = await readFile(join(directory, "result.json"), "utf8");
  assert.equal(renderJson(resultOfReplay(await replayFolder(directory, VERSION))), text);
});

test("a folder that is none, or is damaged, says where", async (context) => {
  const directory = await folderOf(context);
  await assert.rejects(
    replayFolder(join(directory, "none"), VERSION),
    refusedWith("LL_RUN_NOT_FOUND", /holds no plan\.json/),
  );
  await assert.rejects(
    replayFolder(directory, "2"),
    refusedWith("LL_RUN_VERSION", /written by Loadline 1, and this is Loadline 2/),
  );
  const log = join(directory, "log.jsonl");
  const lines = (await readFile(log, "utf8")).split("\n");
  await writeFile(log, lines.with(4, "null").join("\n"));
  await assert.rejects(
    replayFolder(directory, VERSION),
    refusedWith("LL_RUN_FOLDER_DAMAGED", /log\.jsonl is damaged in line 5/),
  );
  await writeFile(join(directory, "plan.json"), "{}");
  await assert.rejects(
    replayFolder(directory, VERSION),
    refusedWith("LL_RUN_FOLDER_DAMAGED", /plan\.json is damaged/),
  );
});

test("a step that would be decided otherwise ends the replay at its line", async (context) => {
  const directory = await folderOf(context);
  const log = join(directory, "log.jsonl");
  const text = await readFile(log, "utf8");
  await writeFile(log, text.replace('"ratePerSecond":40', '"ratePerSecond":41'));
  await assert.rejects(
    replayFolder(directory, VERSION),
    refusedWith(
      "LL_REPLAY_DIFFERS",
      /at entry \d+ .*then .*"ratePerSecond":41.*, now .*"ratePerSecond":40/,
    ),
  );
});

test("reports that the log tells of must be there", async (context) => {
  const directory = await folderOf(context);
  const intervals = join(directory, "intervals.bin");
  await truncate(intervals, Math.floor((await stat(intervals)).size / 2));
  await assert.rejects(
    replayFolder(directory, VERSION),
    refusedWith(
      "LL_REPLAY_INCOMPLETE",
      /when \d+ reports were there, and intervals\.bin holds \d+/,
    ),
  );
});
