import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import { compare } from "../../../coordinator/compare/comparison.ts";
import { contenderOfRun } from "../../../coordinator/compare/from-run.ts";
import { contenderOfImported, readImported } from "../../../coordinator/imported/imported.ts";
import type { Imported } from "../../../coordinator/imported/imported-run.ts";
import { renderDocumentText } from "../../../coordinator/show/document-text.ts";
import { importedDocument } from "../../../coordinator/show/imported.ts";
import { LoadError } from "../../../shared/errors.ts";
import { searchPlan, searchResult } from "../../support/run-fixture.ts";

const FIXTURES = new URL("../../fixtures/imported/", import.meta.url);

function textOf(name: string): string {
  return readFileSync(new URL(name, FIXTURES), "utf8");
}

function read(name: string): Imported {
  return readImported(textOf(name), name);
}

/** A fixture with something else at a path. */
function changed(name: string, path: readonly (string | number)[], value: unknown): string {
  const file: unknown = JSON.parse(textOf(name));
  const last = path.at(-1)!;
  let at = file as Record<string | number, unknown>;
  for (const step of path.slice(0, -1)) at = at[step] as typeof at;
  at[last] = value;
  return JSON.stringify(file);
}

function refusal(text: string): string {
  try {
    readImported(text, "theirs.json");
  } catch (error) {
    assert.ok(error instanceof LoadError && error.exitCode === 2);
    return `${error.code} ${error.message}`;
  }
  assert.fail("it was read");
}

test("GuideLLM's benchmarks are windows of their planned rates; its request latency is in seconds", () => {
  const { tool, model, windows } = read("guidellm.json");
  assert.deepEqual([tool, model], ["GuideLLM 0.8.1", "sim"]);
  assert.deepEqual(
    windows.map(({ load, requestsPerSecond, okCount, failedCount }) => [
      load,
      requestsPerSecond,
      okCount,
      failedCount,
    ]),
    [
      ["constant 10/s", 10, 34, 0],
      ["constant 40/s", 40, 135, 0],
    ],
  );
  const [first] = windows;
  assert.ok(Math.abs((first?.ttftMs.p50 ?? 0) - 81.2137) < 1e-3);
  assert.ok(Math.abs((first?.itlMs.p50 ?? 0) - 9.99945) < 1e-4);
  assert.ok(Math.abs((first?.e2eMs.p50 ?? 0) - 2_632.6277) < 1e-3);
  assert.deepEqual([first?.inputTokensPerRequest, first?.outputTokensPerRequest], [40, 256]);
});

test("AIPerf's export is one window of what was achieved, each time in the unit that it names", () => {
  const { tool, windows } = read("aiperf.json");
  assert.equal(tool, "AIPerf 0.10.0");
  assert.deepEqual(
    windows.map(({ requestsPerSecond, okCount, ttftMs, e2eMs }) => [
      requestsPerSecond,
      okCount,
      ttftMs,
      e2eMs.p50,
    ]),
    [[0.8233, 10, { p50: 175.05, p95: null, p99: 253.45 }, 2_431.75]],
  );
  const inSeconds = changed("aiperf.json", ["time_to_first_token", "unit"], "sec");
  assert.equal(readImported(inSeconds, "f").windows[0]?.ttftMs.p50, 175_050);
});

test("AIPerf's export of schema 1.4 names model and load in another place", () => {
  const { tool, model, windows } = read("aiperf-1.4.json");
  assert.deepEqual([tool, model], ["AIPerf 0.13.0", "sim"]);
  const [window] = windows;
  assert.deepEqual(
    [window?.load, window?.requestsPerSecond, window?.okCount],
    ["10/s", 10, 40],
    "the rate that was planned, not the 8.11 that 40 requests came to",
  );
  assert.ok(Math.abs((window?.inFlightMean ?? 0) - 1.682) < 1e-3);
  const phase = ["input_config", "phases", 0];
  const closed = { kind: "profiling", type: "concurrency", concurrency: 4 };
  const streams = readImported(changed("aiperf-1.4.json", phase, closed), "f").windows[0];
  assert.deepEqual([streams?.load, streams?.requestsPerSecond.toFixed(2)], ["4 streams", "8.11"]);
  const twice = changed("aiperf-1.4.json", ["input_config", "phases"], [closed, closed]);
  assert.equal(readImported(twice, "f").windows[0]?.load, "load");
});

test("vllm bench's TPOT is our ITL; what it was not asked for is missing", () => {
  const { tool, model, windows } = read("vllm-bench.json");
  assert.deepEqual([tool, model], ["vllm bench", "./Qwen2.5-VL-3B-Instruct"]);
  const [window] = windows;
  assert.deepEqual([window?.load, window?.okCount, window?.failedCount], ["1/s", 199, 1]);
  assert.ok(Math.abs((window?.itlMs.p99 ?? 0) - 35.0129) < 1e-3);
  assert.deepEqual(window?.e2eMs, { p50: null, p95: null, p99: null });
  assert.deepEqual([window.inputTokensPerRequest, window.outputTokensPerRequest], [200, 128]);
  const burst = changed("vllm-bench.json", ["request_rate"], "inf");
  assert.ok(
    Math.abs((readImported(burst, "f").windows[0]?.requestsPerSecond ?? 0) - 0.97332) < 1e-4,
  );
});

test("another version of a known tool, an unknown file and a file of our own are told apart", () => {
  assert.match(
    refusal(changed("guidellm.json", ["metadata", "version"], 3)),
    /LL_IMPORT_VERSION .*metadata\.version 3, and metadata\.version 1 or 2 is known/,
  );
  assert.match(
    refusal(changed("guidellm.json", ["metadata"], undefined)),
    /LL_IMPORT_VERSION .*no metadata\.version/,
  );
  assert.match(
    refusal(
      changed("guidellm.json", ["benchmarks", 0, "metrics"], {}).replace(
        /"requests_per_second"/g,
        '"rps"',
      ),
    ),
    /LL_IMPORT_VERSION .*no benchmark of successful requests/,
  );
  assert.match(
    refusal(changed("aiperf.json", ["schema_version"], "2.0")),
    /LL_IMPORT_VERSION .*schema_version 2\.0/,
  );
  assert.match(
    refusal(changed("aiperf.json", ["time_to_first_token", "unit"], "fortnight")),
    /LL_IMPORT_VERSION .*"fortnight"/,
  );
  assert.match(
    refusal(changed("vllm-bench.json", ["mean_ttft_ms"], undefined)),
    /LL_IMPORT_VERSION/,
  );
  assert.match(
    refusal('{"schema":"loadline/result@1"}'),
    /LL_IMPORT_UNKNOWN .*the run is asked for/,
  );
  for (const text of ["{", "[]", "7", '{"benchmarks":[{"name":"x"}]}'])
    assert.match(refusal(text), /LL_IMPORT_UNKNOWN/);
});

test("a report of theirs says whose figures they are, and what they cannot say", () => {
  const text = renderDocumentText(importedDocument(read("guidellm.json"), "guidellm.json"));
  assert.match(text, /^2 windows measured by GuideLLM 0\.8\.1, not by Loadline: sim\.\n/);
  assert.match(text, /│ times count from when a request was sent, not from when it was due/);
  assert.match(text, /\nconstant 40\/s +40\.0 +135 +0 +/);
});

test("theirs are compared with ours at equal rates; a gate on their maximum rate stays open", () => {
  const ours = contenderOfRun({
    name: "ours",
    source: "runs/ours",
    result: searchResult({ result: { target: { url: "u", endpoint: "chat", model: "sim" } } }),
    plan: searchPlan(),
  });
  const theirs = contenderOfImported(read("guidellm.json"), { name: "theirs", source: "f" });
  const comparison = compare({
    loadline: "0.1.0",
    baseline: ours,
    candidates: [theirs],
    gates: [],
    treatments: [],
    hardwareOf: () => ({ gpus: 1, pricePerHour: null, currency: "$" }),
    qualityOf: () => undefined,
  });
  assert.equal(comparison.verdict, "undecided");
  assert.deepEqual(
    comparison.equalRates.map(({ requestsPerSecond }) => requestsPerSecond),
    [10, 40],
  );
  assert.match(
    comparison.warnings.join("\n"),
    /theirs: figures of GuideLLM 0\.8\.1, taken as they are/,
  );
});
