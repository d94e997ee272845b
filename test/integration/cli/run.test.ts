import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { type TestContext, test } from "node:test";
import type { Result } from "../../../coordinator/show/result.ts";
import type { RequestLine } from "../../../coordinator/store/requests-file.ts";
import { readRequests } from "../../../coordinator/store/run-folder.ts";
import {
  type Ended,
  loadline,
  openaiServer,
  startHttp,
  startSimulator,
  temporaryFolder,
} from "../../support/cli.ts";
import { markerOf, serverLog } from "../../support/served.ts";

const RATE = 100;
const DURATION_S = 4;

/** On a busy machine the agents may judge themselves too late: then, and only then, it ends with 4. */
function assertMeasured({ exitCode, stderr }: Ended, { validity, ...result }: Result): void {
  assert.equal(exitCode, result.exitCode, stderr);
  assert.equal(exitCode, validity.verdict === "invalid" ? 4 : 0, stderr);
  for (const reason of validity.reasons) {
    assert.match(reason, /agent local-\d|the agents together/);
  }
}

function assertBooksBalance({ countsByOutcome: counts }: Result["probes"][number]): void {
  const dropped = counts.dropped_in_flight_bound + counts.dropped_socket + counts.dropped_policy;
  const notOffered = counts.not_offered_superseded + counts.not_offered_aborted;
  assert.equal(counts.scheduled, counts.fired + dropped + notOffered);
  const failed = counts.http_error + counts.connect_error + counts.stream_error + counts.timeout;
  assert.equal(counts.fired, counts.ok + failed + counts.censored + counts.unknown + counts.open);
}

async function recordsOf(directory: string): Promise<readonly RequestLine[]> {
  const records: RequestLine[] = [];
  for await (const record of readRequests(directory)) records.push(record);
  return records;
}

async function assertSecondRunRefused(
  context: TestContext,
  args: readonly string[],
  directory: string,
): Promise<void> {
  const before = await readFile(join(directory, "result.json"), "utf8");
  const second = await loadline(context, ...args);
  assert.equal(second.exitCode, 2);
  assert.match(second.stderr, /code: LL_RUN_FOLDER_EXISTS/);
  assert.equal(second.stdout, "");
  assert.equal(await readFile(join(directory, "result.json"), "utf8"), before);
}

test("server, records and result agree on every request of a run, which no second run may overwrite", async (context) => {
  const folder = await temporaryFolder(context);
  const directory = join(folder, "run");
  const log = join(folder, "arrivals.jsonl");
  const server = await startSimulator(context, [
    "--slots",
    "64",
    "--service",
    "fixed:5ms",
    "--itl",
    "1ms",
    "--log",
    log,
  ]);
  const load = ["--rate", String(RATE), "--duration", `${DURATION_S}s`, "--output-tokens", "4"];
  const args = [
    "run",
    "--target",
    server.url,
    ...load,
    "--agents",
    "2",
    "--out",
    directory,
    "--json",
  ];
  const ended = await loadline(context, ...args);

  const result = JSON.parse(ended.stdout) as Result;
  assertMeasured(ended, result);
  assert.deepEqual(result, JSON.parse(await readFile(join(directory, "result.json"), "utf8")));
  assert.equal(result.outcome.kind, "finished");
  assert.equal(result.probes.length, 1);
  const [probe] = result.probes;
  assertBooksBalance(probe!);
  const { scheduled, fired, ok } = probe!.countsByOutcome;
  // Poisson: within 6 standard deviations of the mean, for this seed as for any.
  const mean = RATE * DURATION_S;
  assert.ok(Math.abs(scheduled - mean) < 6 * Math.sqrt(mean), `${scheduled} arrivals`);
  assert.equal(ok, scheduled);
  assert.equal(result.agents.length, 2);
  assert.equal(
    result.agents.reduce((sum, agent) => sum + agent.firedCount, 0),
    fired,
  );

  const records = await recordsOf(directory);
  assert.deepEqual(
    records.map(({ index }) => index).sort((a, b) => a - b),
    Array.from({ length: fired }, (_, index) => index),
  );
  // A run that is refused leaves no trace at the server either.
  await assertSecondRunRefused(context, args, directory);
  await server.close();
  const served = await serverLog(log);
  assert.equal(served.size, fired);
  const plan = JSON.parse(await readFile(join(directory, "plan.json"), "utf8")) as {
    readonly runId: string;
  };
  for (const record of records) {
    const arrival = served.get(markerOf(result, record, plan.runId));
    assert.ok(arrival !== undefined, `the server has not seen request ${record.index}`);
    assert.deepEqual(
      [record.outcome, record.status, record.outputTokens, record.inputTokens],
      [arrival.outcome, arrival.status, arrival.tokens, arrival.promptTokens],
    );
    assert.equal(record.outputTokens, 4);
  }
});

test("a cool-down fires behind the window, and nothing of it is in the result", async (context) => {
  const directory = join(await temporaryFolder(context), "run");
  const url = await startHttp(context, openaiServer());
  const ended = await loadline(
    context,
    ...["run", "--target", url, "--rate", "40", "--duration", "1s", "--cooldown", "1s"],
    ...["--output-tokens", "1", "--agents", "1", "--out", directory, "--json"],
  );
  const result = JSON.parse(ended.stdout) as Result;
  assertMeasured(ended, result);
  const [probe] = result.probes;
  assert.equal(probe!.durationS, 1);
  const records = await recordsOf(directory);
  const firstMs = Math.min(...records.map(({ intendedMs }) => intendedMs));
  const lastMs = Math.max(...records.map(({ intendedMs }) => intendedMs));
  assert.ok(records.length > probe!.countsByOutcome.fired, `${records.length} requests`);
  assert.ok(lastMs - firstMs > 1_000, `fired over ${lastMs - firstMs} ms`);
});
