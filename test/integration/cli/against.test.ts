import assert from "node:assert/strict";
import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { test } from "node:test";
import type { PairedComparison } from "../../../coordinator/compare/paired-comparison.ts";
import type { PairedLevel } from "../../../coordinator/compare/paired-level.ts";
import type { Result } from "../../../coordinator/show/result.ts";
import { loadline, startSimulator, temporaryFolder } from "../../support/cli.ts";
import { refusalOf } from "../../support/in-process.ts";
import { serverLog } from "../../support/served.ts";
import { searchResult, writeRunFixture } from "../../support/run-fixture.ts";

const PAIRS = 4;

test("a run alternates between two servers, and compare says how much more the other one carries", async (context) => {
  const folder = await temporaryFolder(context);
  const directory = join(folder, "ab");
  const start = (name: string, service: string) =>
    startSimulator(context, [
      ...["--model", name, "--slots", "4", "--service", `fixed:${service}`, "--itl", "1ms"],
      ...["--log", join(folder, `${name}.jsonl`)],
    ]);
  const [slow, fast] = await Promise.all([start("slow", "60ms"), start("fast", "20ms")]);
  const ended = await loadline(
    context,
    ...["run", "--target", slow.url, "--against", fast.url, "--pairs", String(PAIRS)],
    ...["--concurrency", "4", "--duration", "1s", "--output-tokens", "2", "--agents", "1"],
    ...["--out", directory, "--json"],
  );
  const result = JSON.parse(ended.stdout) as Result;
  assert.deepEqual(
    result.probes.map(({ against }) => (against === true ? "b" : "a")).join(""),
    "abbaabba",
  );
  assert.deepEqual([result.target.model, result.against?.model], ["slow", "fast"]);
  await Promise.all([slow.close(), fast.close()]);
  for (const [name, isAgainst] of [
    ["slow", false],
    ["fast", true],
  ] as const) {
    const own = result.probes.filter(({ against }) => (against === true) === isAgainst);
    const fired = own.reduce((sum, { countsByOutcome }) => sum + countsByOutcome.fired, 0);
    assert.ok(fired > 0);
    assert.equal((await serverLog(join(folder, `${name}.jsonl`))).size, fired, name);
  }
  const [level] = result.against?.levels ?? [];
  assert.deepEqual([level?.figure, level?.streams], ["completed", 4]);

  const compared = await loadline(context, "compare", directory, "--json");
  // On a busy machine the agents may judge themselves too late: then, and only then, nothing is compared.
  if (result.validity.verdict === "invalid") {
    assert.equal(compared.exitCode, 4);
    return;
  }
  assert.equal(ended.exitCode, 0, ended.stderr);
  assert.equal(compared.exitCode, 0, compared.stderr);
  const { schema, verdict, levels } = JSON.parse(compared.stdout) as PairedComparison;
  assert.deepEqual([schema, verdict], ["loadline/paired-comparison@1", "met"]);
  assert.deepEqual(levels[0]?.ratio, level?.ratio);
  const report = await readFile(join(directory, "report.html"), "utf8");
  assert.match(report, /at 4 streams it carries [\d.]+ % more traffic than the target/);
});

test("a run of two endpoints is shown in every form, and read as one curve by nobody", async (context) => {
  const folder = await temporaryFolder(context);
  const directory = join(folder, "ab");
  const plain = join(folder, "plain");
  const level: PairedLevel = {
    mode: "open",
    requestsPerSecond: 20,
    streams: null,
    figure: "ttft",
    pairs: 6,
    leftOut: 0,
    target: 130,
    against: 100,
    minimumDetectableRatio: 1.05,
    reason: "",
    ratio: { value: 1.3, low: 1.25, high: 1.352 },
  };
  const against = { url: "http://b.test/v1", model: "m", confidence: 0.95, levels: [level] };
  await writeRunFixture(directory, { result: { against } });
  await writeRunFixture(plain, {});
  const [text, fails, markdown, junit] = await Promise.all(
    [
      [],
      ["--at-least", "1.4"],
      ["--at-least", "1.3", "--format", "markdown"],
      ["--format", "junit"],
    ].map((flags) => loadline(context, "compare", directory, ...flags)),
  );
  assert.match(
    text!.stdout,
    /^At 20 requests\/s http:\/\/b\.test\/v1 has 30 % more speed than the target \(mean TTFT; 25 % more to 35 % more, 95 %\): PASS\.\n/,
  );
  assert.match(text!.stdout, /\n20 requests\/s +mean TTFT, ms +130 +100 +1\.30 +1\.25–1\.35 +/);
  assert.deepEqual([text!.exitCode, fails!.exitCode, markdown!.exitCode], [0, 99, 5]);
  assert.match(markdown!.stdout, /INCONCLUSIVE/);
  assert.match(junit!.stdout, /tests="1" failures="0" errors="0"/);
  const slo = ["--slo", "ttft p99 <= 300ms"];
  for (const [args, refused] of [
    [["compare", plain], /LL_FLAG_INVALID .*measured one endpoint/],
    [["rescore", directory, ...slo], /LL_NOT_YET .*alternate between two endpoints/],
    [["calibrate", directory], /LL_NOT_YET/],
  ] as const) {
    const { code, message, exitCode } = await refusalOf(...args);
    assert.match(`${code} ${message}`, refused);
    assert.equal(exitCode, 2);
  }
  // Pairs with an invalid window are left out by then; what is wrong beyond the windows is not.
  const late = { verdict: "invalid" as const, reasons: ["agent local-1 sent late"] };
  const [first] = searchResult({}).probes;
  assert.ok(first !== undefined);
  const probes = [{ ...first, validity: late }];
  await writeRunFixture(directory, { result: { against, probes, validity: late } });
  const warned = await loadline(context, "compare", directory);
  assert.equal(warned.exitCode, 0, warned.stderr);
  assert.match(warned.stdout, /READ WITH CARE\n. agent local-1 sent late\n/);
  const books = { ...late, reasons: [...late.reasons, "report 3 is missing"] };
  await writeRunFixture(directory, { result: { against, probes, validity: books } });
  const refusal = await refusalOf("compare", directory);
  assert.deepEqual([refusal.code, refusal.exitCode], ["LL_RUN_INVALID", 4]);
  assert.match(refusal.message, /invalid: report 3 is missing$/);
  await writeFile(join(directory, "result.json"), "{");
  assert.equal((await refusalOf("compare", directory)).code, "LL_RUN_FOLDER_DAMAGED");
});

test("what cannot alternate is refused before anything is sent", async () => {
  const run = ["run", "--target", "http://127.0.0.1:1", "--rate", "1"];
  const other = ["--against", "http://127.0.0.1:2"];
  for (const [flags, message] of [
    [["--against", "http://127.0.0.1:1"], /--against: it is the target itself/],
    [["--pairs", "6"], /--pairs: .*there is one/],
    [[...other, "--pairs", "5"], /5 pairs are asked for/],
    [[...other, "--pairs", "2"], /--pairs/],
    [[...other, "--server-metrics", "http://127.0.0.1:1"], /it watches one/],
  ] as const) {
    const refusal = await refusalOf(...run, ...flags);
    assert.deepEqual([refusal.code, refusal.exitCode], ["LL_PLAN_INVALID", 2], flags.join(" "));
    assert.match(refusal.message, message);
  }
});
