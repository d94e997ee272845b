import assert from "node:assert/strict";
import { mkdir, readdir, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { test } from "node:test";
import { fileURLToPath } from "node:url";
import type { Result } from "../../../coordinator/show/result.ts";
import { loadline, temporaryFolder } from "../../support/cli.ts";

const EXAMPLES = fileURLToPath(new URL("../../../docs/examples/", import.meta.url));
const RUN = join(EXAMPLES, "batch-64");
const DAY = join(EXAMPLES, "day.csv");

test("calibrate --json says the decision alone, and nothing is written over", async (context) => {
  const folder = await temporaryFolder(context);
  const out = join(folder, "out");
  const args = ["calibrate", RUN, "--namespace", "llm", "--out", out, "--json"];
  const first = await loadline(context, ...args);
  assert.equal(first.exitCode, 0, first.stderr);
  const decision = JSON.parse(first.stdout) as { target: unknown };
  assert.deepEqual(decision.target, { signal: "running+waiting", value: 24, knee: 48 });
  const written = await readFile(join(out, "calibration.json"), "utf8");
  assert.deepEqual(JSON.parse(written), decision);
  const names = await readdir(out);

  await writeFile(join(out, "calibration.json"), "mine");
  const second = await loadline(context, ...args);
  assert.equal(second.exitCode, 2);
  assert.match(second.stderr, /LL_FILE_EXISTS/);
  assert.equal(second.stdout, "");
  assert.equal(await readFile(join(out, "calibration.json"), "utf8"), "mine");
  assert.deepEqual(await readdir(out), names);
});

test("bad input is refused with its code, and leaves nothing behind", async (context) => {
  const folder = await temporaryFolder(context);
  const out = join(folder, "out");
  const invalid = await copyOf(folder, "invalid", (result) => ({
    ...result,
    validity: { verdict: "invalid", reasons: ["agent local-1 sent late"] },
  }));
  const broken = join(folder, "broken");
  await mkdir(broken);
  await writeFile(join(broken, "result.json"), '{"schema": "loadline/res');
  const gap = join(folder, "gap.csv");
  await writeFile(gap, "0,5\n60,5\n120,5\n900,5\n");
  const wrote = ["--out", out];
  const cases: readonly (readonly [exitCode: number, said: RegExp, ...args: string[]])[] = [
    [4, /LL_CALIBRATE_INVALID[^]*/, invalid, "--namespace", "llm", ...wrote],
    [2, /LL_RUN_FOLDER_DAMAGED/, broken, ...wrote],
    [2, /LL_RUN_NOT_FOUND/, join(folder, "none"), ...wrote],
    [2, /give --namespace/, RUN, ...wrote],
    [2, /"nomad".*\n.*keda, hpa/, RUN, "--for", "keda,nomad", ...wrote],
    [2, /--growth is 20%, without a time/, RUN, "--growth", "20%", ...wrote],
    [2, /"138" has no unit/, RUN, "--startup", "138", ...wrote],
    [2, /--engine is ollama/, RUN, "--engine", "ollama", "--namespace", "a", ...wrote],
    [2, /no name of Kubernetes/, RUN, "--namespace", "My Team", ...wrote],
    [2, /above --max-replicas/, RUN, "--min-replicas", "30", ...wrote],
    [2, /a gap of 780 s/, "simulate", RUN, "--forecast", gap, ...wrote],
    [2, /there is no load to replay/, "simulate", RUN, ...wrote],
    [2, /"cpu" is no signal/, "simulate", RUN, "--forecast", DAY, "--rule", "cpu=3", ...wrote],
    [2, /no YAML|no object/, "lint", DAY],
    [2, /LL_FILE_UNREADABLE/, "lint", join(folder, "none.yaml")],
  ];
  await Promise.all(
    cases.map(async ([exitCode, said, ...args]) => {
      const ended = await loadline(context, "calibrate", ...args);
      assert.equal(ended.exitCode, exitCode, `${args.join(" ")}\n${ended.stderr}`);
      assert.match(ended.stderr, said, args.join(" "));
      assert.equal(ended.stdout, "");
    }),
  );
  assert.deepEqual((await readdir(folder)).sort(), ["broken", "gap.csv", "invalid"]);
});

test("a gate that does not hold is exit 99: a manifest with a trap, a number that misses the SLO", async (context) => {
  const manifest = fileURLToPath(new URL("../../golden/lint/E-fails.yaml", import.meta.url));
  const linted = await loadline(context, "calibrate", "lint", manifest, "--json");
  assert.equal(linted.exitCode, 99, linted.stderr);
  assert.equal((JSON.parse(linted.stdout) as { findingCount: number }).findingCount, 1);
  const args = ["simulate", RUN, "--forecast", DAY, "--max-replicas", "5", "--json"];
  const simulated = await loadline(context, "calibrate", ...args);
  assert.equal(simulated.exitCode, 99, simulated.stderr);
  const { rules } = JSON.parse(simulated.stdout) as { rules: { meetsSlo: boolean }[] };
  assert.equal(rules[0]?.meetsSlo, false);
});

async function copyOf(
  folder: string,
  name: string,
  change: (result: Result) => Result,
): Promise<string> {
  const directory = join(folder, name);
  await mkdir(directory);
  const result = JSON.parse(await readFile(join(RUN, "result.json"), "utf8")) as Result;
  await writeFile(join(directory, "result.json"), JSON.stringify(change(result)));
  return directory;
}
