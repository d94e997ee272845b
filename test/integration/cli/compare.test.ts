import assert from "node:assert/strict";
import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { test, type TestContext } from "node:test";
import type { Comparison } from "../../../coordinator/compare/comparison.ts";
import { loadline, temporaryFolder } from "../../support/cli.ts";
import { refusalOf } from "../../support/in-process.ts";
import { type SearchFixture, writeRunFixture } from "../../support/run-fixture.ts";

/** Folders of runs, by name. */
async function stage(
  context: TestContext,
  runs: Readonly<Record<string, SearchFixture>>,
): Promise<(name: string) => string> {
  const folder = await temporaryFolder(context);
  for (const [name, fixture] of Object.entries(runs))
    await writeRunFixture(join(folder, name), fixture);
  return (name) => join(folder, name);
}

const BASE: SearchFixture = { rate: [100, 95, 105] };
const BETTER: SearchFixture = { rate: [131, 125, 138], slowness: 0.8 };

test("compare says how much more traffic, in every form, and ends with its verdict", async (context) => {
  const path = await stage(context, { base: BASE, int8: BETTER, slow: { rate: [80, 77, 83] } });
  const [summary, junit] = [path("summary.md"), path("junit.xml")];
  await writeFile(summary, "before\n");
  const [text, json, fails, undecided] = await Promise.all([
    loadline(
      context,
      "compare",
      path("base"),
      path("int8"),
      "--step-summary",
      summary,
      "--junit",
      junit,
    ),
    loadline(context, "compare", path("base"), path("int8"), "--at-least", "1.1", "--json"),
    loadline(
      context,
      "compare",
      path("base"),
      path("int8"),
      path("slow"),
      "--no-worse-than",
      "5%",
      "--format",
      "junit",
    ),
    loadline(
      context,
      "compare",
      path("base"),
      path("int8"),
      "--at-least",
      "1.3",
      "--format",
      "markdown",
    ),
  ]);
  assert.equal(text.exitCode, 0, text.stderr);
  assert.match(
    text.stdout,
    /^int8 carries 31 % more traffic than base \(22 % more to 41 % more, 95 %\): PASS\.\n/,
  );
  assert.match(await readFile(summary, "utf8"), /^before\n## base · int8\n/);
  assert.match(
    await readFile(junit, "utf8"),
    /<testcase classname="compare" name="int8 carries at least as much" time="0"><\/testcase>/,
  );

  const comparison = JSON.parse(json.stdout) as Comparison;
  assert.deepEqual(
    [
      json.exitCode,
      comparison.schema,
      comparison.verdict,
      comparison.ratios[0]?.gates[0]?.ratioMin,
    ],
    [0, "loadline/comparison@1", "met", 1.1],
  );
  assert.equal(fails.exitCode, 99);
  assert.match(fails.stdout, /tests="2" failures="1" errors="0"/);
  assert.equal(undecided.exitCode, 5);
  assert.match(undecided.stdout, /: INCONCLUSIVE\.\*\*\n/);
});

test("quality and price are columns of their own, and a dominated run is marked", async (context) => {
  const path = await stage(context, { base: BASE, int8: BETTER });
  const quality = (name: string, value: number): Promise<void> =>
    writeFile(
      path(`${name}.json`),
      JSON.stringify({
        results: {
          gsm8k: { "exact_match,strict-match": value, "exact_match_stderr,strict-match": 0.01 },
        },
      }),
    );
  await Promise.all([quality("base", 0.8), quality("int8", 0.8)]);
  const { stdout, stderr, exitCode } = await loadline(
    context,
    ...["compare", `fp16=${path("base")}`, path("int8")],
    ...["--quality", `fp16=${path("base.json")}`, `int8=${path("int8.json")}`],
    ...["--price", "3.2/gpu-h", "--gpus", "2", "int8=1"],
  );
  assert.equal(exitCode, 0, stderr);
  assert.match(stdout, /\nfp16 +2 +6\.40 +6,400 +3,200 .* 0\.28 /);
  assert.match(stdout, /\nint8 +1 +3\.20 +8,384 +8,384 .* 0\.11 /);
  assert.match(stdout, /dominated by int8/);
  assert.match(stdout, /recovers 100\.0 % ± 1\.8 % of the baseline/);
});

test("what cannot be compared is refused, and nothing is written", async (context) => {
  const invalid = { verdict: "invalid" as const, reasons: ["agent a: sent late"] };
  const path = await stage(context, {
    base: BASE,
    int8: BETTER,
    late: { result: { validity: invalid } },
    other: { result: { seed: 2 } },
    old: {},
    damaged: {},
  });
  await writeFile(join(path("old"), "result.json"), '{"schema":"loadline/result@0"}');
  await writeFile(join(path("damaged"), "result.json"), "{");
  const junit = path("junit.xml");
  const expected: readonly (readonly [args: readonly string[], exitCode: number, text: RegExp])[] =
    [
      [["late"], 4, /LL_RUN_INVALID .*agent a: sent late/],
      [["other"], 2, /LL_COMPARE_UNLIKE [^]*seed: base has 1; other has 2/],
      [["old"], 2, /LL_RESULT_SCHEMA/],
      [["damaged"], 2, /LL_RUN_FOLDER_DAMAGED/],
      [["nowhere"], 2, /LL_RUN_NOT_FOUND/],
      [["base"], 2, /two runs are called base/],
      [["int8", "--price", "3.2"], 2, /--price: "3.2" has no unit/],
      [["int8", "--price", "fp8=3.2/h"], 2, /--price names fp8/],
      [["int8", "--price", "$3/h", "int8=€3/h"], 2, /cannot be compared/],
      [["int8", "--format", "yaml"], 2, /no such format/],
      [["int8", "--against", "http://127.0.0.1:1"], 2, /LL_FLAG_INVALID .*compare sends nothing/],
      [["int8", "--no-worse-than", "5"], 2, /--no-worse-than: "5" has no unit/],
      [["int8", "--quality", `int8=${path("none.json")}`], 2, /LL_FILE_UNREADABLE/],
    ];
  for (const [[candidate = "", ...flags], exitCode, text] of expected) {
    const args = ["compare", path("base"), path(candidate), "--junit", junit, ...flags];
    const refusal = await refusalOf(...args);
    assert.match(`${refusal.code} ${refusal.message}`, text);
    assert.equal(refusal.exitCode, exitCode, text.source);
  }
  await assert.rejects(readFile(junit), /ENOENT/);
});
