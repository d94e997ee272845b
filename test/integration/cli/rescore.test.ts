import assert from "node:assert/strict";
import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { test } from "node:test";
import type { Rescored } from "../../../coordinator/rescore/rescore.ts";
import type { Result } from "../../../coordinator/show/result.ts";
import { loadline, startSimulator, temporaryFolder } from "../../support/cli.ts";
import { refusalOf } from "../../support/in-process.ts";
import { writeRunFixture } from "../../support/run-fixture.ts";

const SLO = ["ttft p99 <= 60ms", "itl p50 <= 10ms", "error_rate <= 1%", "goodput >= 99%"];

test("records give back what the agents counted, and what they would have counted for another SLO", async (context) => {
  const folder = join(await temporaryFolder(context), "run");
  const { url } = await startSimulator(context, ["--slots", "4", "--service", "exp:40ms"]);
  const run = await loadline(
    context,
    ...["run", "--target", url, "--rate", "40,80", "--duration", "1s", "--output-tokens", "4"],
    ...["--agents", "1", "--out", folder, "--slo", ...SLO],
  );
  // 4: this machine was too busy for the agent to be believed, which its counts do not mind.
  assert.ok([0, 4, 5, 99].includes(run.exitCode ?? 1), run.stderr);
  const result = JSON.parse(await readFile(join(folder, "result.json"), "utf8")) as Result;

  const [same, wide] = await Promise.all([
    loadline(context, "rescore", folder, "--json", "--slo", ...SLO),
    loadline(context, "rescore", folder, "--slo", "ttft p50 <= 10s"),
  ]);
  // What the generator spoiled stays spoilt under another SLO.
  const exitCode = result.validity.verdict === "invalid" ? 4 : 0;
  assert.equal(same.exitCode, exitCode, same.stderr);
  const rescored = JSON.parse(same.stdout) as Rescored;
  const countsOf = (probes: Rescored["probes"] | Result["probes"]): unknown =>
    probes.map(({ clauses }) =>
      clauses.map(({ text, overCount, total }) => [text, overCount, total]),
    );
  assert.deepEqual(countsOf(rescored.probes), countsOf(result.probes));
  assert.deepEqual(
    rescored.probes.map(({ verdict, missingRecords }) => [verdict, missingRecords]),
    result.probes.map(({ verdict }) => [verdict, 0]),
  );

  assert.equal(wide.exitCode, exitCode, wide.stderr);
  assert.match(wide.stdout, /\n80 requests\/s +0 of \d+ \(0 %\) .* (PASS|VOID)\n/);
});

test("what records cannot tell is refused", async (context) => {
  const folder = await temporaryFolder(context);
  const [run, without, damaged] = ["run", "without", "damaged"].map((name) =>
    join(folder, name),
  ) as [string, string, string];
  await writeRunFixture(run);
  await writeFile(join(run, "log.jsonl"), "");
  await writeRunFixture(without, { plan: { records: false } });
  await writeRunFixture(damaged);
  const expected: readonly (readonly [args: readonly string[], text: RegExp])[] = [
    [[run, "--slo", "gap p99 <= 50ms"], /LL_RESCORE_CLAUSE .*mean and largest gap/],
    [[run, "--slo", "chat: ttft p99 <= 50ms"], /LL_RESCORE_CLAUSE .*no traffic class chat/],
    [[run, "--slo", "ttft p99 <= 50ms"], /LL_RUN_FOLDER_READ .*requests\.jsonl\.zst/],
    [[run, "--slo", "ttft"], /LL_SLO_INVALID/],
    [[run], /no SLO is given/],
    [[without, "--slo", "ttft p99 <= 50ms"], /LL_RESCORE_NO_RECORDS/],
    [[damaged, "--slo", "ttft p99 <= 50ms"], /LL_RUN_FOLDER_READ .*log\.jsonl/],
  ];
  for (const [args, text] of expected) {
    const { code, message } = await refusalOf("rescore", ...args);
    assert.match(`${code} ${message}`, text);
  }
});
