import assert from "node:assert/strict";
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { test } from "node:test";
import type { Sizing } from "../../../coordinator/size/sizing.ts";
import { loadline, temporaryFolder } from "../../support/cli.ts";
import { refusalOf } from "../../support/in-process.ts";
import { writeRunFixture } from "../../support/run-fixture.ts";

test("size counts replicas and their cost, and the KV cache beside what was in flight", async (context) => {
  const folder = await temporaryFolder(context);
  const [run, config] = [join(folder, "fp16"), join(folder, "config.json")];
  await writeRunFixture(run, { rate: [50, 40, 60] });
  await writeFile(
    config,
    JSON.stringify({
      num_hidden_layers: 80,
      num_key_value_heads: 8,
      num_attention_heads: 64,
      hidden_size: 8192,
    }),
  );
  const kv = ["--model-config", config, "--kv-memory", "128GB", "--context-tokens", "1024"];
  const growth = ["--growth", "20%/min", "--startup", "75s"];
  const [text, json] = await Promise.all([
    loadline(
      context,
      "size",
      run,
      "--peak",
      "400rps",
      "--price",
      "2.88/gpu-h",
      "--gpus",
      "2",
      "--kv",
      ...kv,
    ),
    loadline(context, "size", run, "--peak", "400rps", ...growth, "--zones", "3", "--json"),
  ]);
  assert.equal(text.exitCode, 0, text.stderr);
  assert.match(
    text.stdout,
    /^400 requests\/s take 11 replicas: .* \$63\.36 an hour at the peak\.\n/,
  );
  assert.match(text.stdout, /\nat the SLO +50\.0 +1 +5\.76 +0\.50 +0\.25 +0\.032\n/);
  assert.match(
    text.stdout,
    /\n327\.7 KB +128 GB +1,024 +381 +32 +40\.0 requests\/s, near the knee\n/,
  );
  assert.equal(json.exitCode, 0, json.stderr);
  const sizing = JSON.parse(json.stdout) as Sizing;
  assert.equal(sizing.schema, "loadline/sizing@1");
  assert.ok(Math.abs(sizing.plannedPart - 0.8) < 1e-12);
  assert.deepEqual([sizing.peak.neededReplicas, sizing.peak.replicas], [13, 20]);
});

test("what cannot be sized is refused", async (context) => {
  const folder = await temporaryFolder(context);
  const [run, late, gap] = ["fp16", "late", "gap.csv"].map((name) => join(folder, name)) as [
    string,
    string,
    string,
  ];
  await writeRunFixture(run);
  await writeRunFixture(late, {
    result: { validity: { verdict: "invalid", reasons: ["agent a: sent late"] } },
  });
  await writeFile(gap, "time,requests_per_second\n09:00,1\n10:00,2\n14:00,3\n");
  const expected: readonly (readonly [args: readonly string[], text: RegExp])[] = [
    [[run, "--peak", "400rps", "--price", "3.2"], /--price: "3.2" has no unit/],
    [[run], /no load is given/],
    [[run, "--peak", "4", "--forecast", gap], /both given/],
    [[run, "--forecast", gap], /LL_FORECAST_INVALID .*a gap of 14400 s/],
    [[run, "--forecast", join(folder, "none.csv")], /LL_FILE_UNREADABLE/],
    [[run, "--peak", "0"], /--peak: "0" is no rate/],
    [[run, "--peak", "4", "--spare", "1", "--zones", "3"], /both given/],
    [[run, "--peak", "4", "--zones", "1"], /--zones: "1" is no whole number/],
    [[run, "--peak", "4", "--growth", "20%/min"], /--growth is given without --startup/],
    [[run, "--peak", "4", "--growth", "20", "--startup", "1m"], /--growth is 20/],
    [[run, "--peak", "4", "--kv"], /how much a token takes/],
    [[run, "--peak", "4", "--kv-bytes-per-token", "320KB"], /how much memory is left/],
    [
      [run, "--peak", "4", "--kv-bytes-per-token", "320", "--kv-memory", "1GB"],
      /"320" has no unit/,
    ],
    [[run, "--peak", "4", "--model-config", gap, "--kv-memory", "1GB"], /LL_MODEL_CONFIG/],
    [[late, "--peak", "4"], /LL_RUN_INVALID .*agent a: sent late/],
  ];
  for (const [args, text] of expected) {
    const { code, message } = await refusalOf("size", ...args);
    assert.match(`${code} ${message}`, text);
  }
});
