import assert from "node:assert/strict";
import { appendFile, readFile } from "node:fs/promises";
import { join } from "node:path";
import { type TestContext, test } from "node:test";
import type { Result } from "../../../coordinator/show/result.ts";
import { readRequests } from "../../../coordinator/store/run-folder.ts";
import {
  loadline,
  openaiServer,
  startHttp,
  startLoadline,
  temporaryFolder,
  until,
} from "../../support/cli.ts";

/** Entries of one kind in a run's log, and how many of them each coordinator may write before it is killed. */
const KILLS = [
  ["agents", 1],
  ["step", 1],
  ["segment", 1],
  ["step", 3],
  ["segment", 1],
] as const;

/** Requests/s. The server answers at once, so that the search ends at the highest rate it may ask for. */
const RATE_MAX = 40;

/** Agents calibrate themselves at each of the six starts, which takes its time on a busy machine. */
const STEP_MAX_MS = 60_000;
const TEST_MAX_MS = 300_000;

async function countOf(directory: string, kind: string): Promise<number> {
  const text = await readFile(join(directory, "log.jsonl"), "utf8").catch(() => "");
  return text.split(`{"kind":"${kind}"`).length - 1;
}

/** Kills the coordinator with SIGKILL once it has written so many more entries of a kind. */
async function killedAt(
  context: TestContext,
  args: readonly string[],
  at: { readonly directory: string; readonly kind: string; readonly more: number },
): Promise<void> {
  const before = await countOf(at.directory, at.kind);
  const running = startLoadline(context, args);
  const isWritten = async (): Promise<boolean> =>
    (await countOf(at.directory, at.kind)) >= before + at.more;
  await until(`${at.more} of ${at.kind} are written`, isWritten, STEP_MAX_MS);
  running.child.kill("SIGKILL");
  assert.equal((await running.ended).signal, "SIGKILL");
}

/** On a busy machine the agent may be too late to be believed: then, and only then, there is no answer. */
function assertAnswered({ outcome, maxRate }: Result): void {
  if (outcome.kind === "inconclusive") {
    assert.match(outcome.reason, /^the load generator could not hold/);
    return;
  }
  assert.equal(outcome.kind, "found", outcome.reason);
  assert.equal(maxRate?.requestsPerSecond, RATE_MAX);
  assert.equal(maxRate.limitedBy, "max-rate");
}

test("a search killed five times is resumed five times, and its folder gives back its result", {
  timeout: TEST_MAX_MS,
}, async (context) => {
  const directory = join(await temporaryFolder(context), "run");
  const url = await startHttp(context, openaiServer());
  const find = [
    ...["find", "--target", url, "--slo", "ttft p50 <= 4s", "--time-budget", "30s"],
    ...["--min-rate", "20", "--max-rate", String(RATE_MAX)],
    ...["--output-tokens", "2", "--agents", "1", "--out", directory],
  ];
  for (const [place, [kind, more]] of KILLS.entries()) {
    const args = place === 0 ? find : ["resume", directory];
    await killedAt(context, args, { directory, kind, more });
    // As a write that did not come to its end.
    if (place === 2) await appendFile(join(directory, "log.jsonl"), '{"kind":"st');
    if (place === 3) await appendFile(join(directory, "intervals.bin"), Buffer.from([0xff]));
  }
  const { exitCode, stdout, stderr } = await loadline(context, "resume", directory, "--json");
  const result = JSON.parse(stdout) as Result;
  assert.equal(exitCode, result.exitCode, stderr);
  assertAnswered(result);
  for (const { countsByOutcome: counts } of result.probes) assert.equal(counts.ok, counts.fired);
  assert.equal(result.resumptions?.length, KILLS.length);
  assert.equal(await readFile(join(directory, "result.json"), "utf8"), stdout);

  const replay = await loadline(context, "report", directory, "--format", "json", "--replay");
  assert.equal(replay.stdout, stdout, replay.stderr);

  // What the compressor of a killed coordinator held back is lost; what came later is not. Records have the settling too.
  const last = result.probes.at(-1);
  let recorded = 0;
  for await (const { segment } of readRequests(directory))
    if (segment === last?.segment) recorded += 1;
  assert.ok(recorded >= (last?.countsByOutcome.fired ?? Infinity), `${recorded} records`);

  const again = await loadline(context, "resume", directory);
  assert.equal(again.exitCode, 2);
  assert.match(again.stderr, /LL_RUN_FINISHED/);
});
