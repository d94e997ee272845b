import assert from "node:assert/strict";
import { mkdir, readdir, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { type TestContext, test } from "node:test";
import { fileURLToPath } from "node:url";
import type { Verified } from "../../../coordinator/calibrate/verified.ts";
import type { Plan } from "../../../coordinator/plan/plan.ts";
import type { Result } from "../../../coordinator/show/result.ts";
import { type AutoscaledOptions, startAutoscaled } from "../../support/autoscaled.ts";
import {
  closedPort,
  lastSeen,
  loadline,
  startLoadline,
  temporaryFolder,
  until,
} from "../../support/cli.ts";

const EXAMPLE = fileURLToPath(new URL("../../../docs/examples/batch-64/", import.meta.url));
const SLO = "ttft p90 <= 600ms";

/** One replica: 16 slots of 200 ms are 80 requests/s. */
const REPLICA = ["--slots", "16", "--service", "exp:200ms"];
const FLEET: AutoscaledOptions = {
  replica: REPLICA,
  target: 7,
  minReplicas: 1,
  maxReplicas: 4,
  startupMs: 400,
  periodMs: 100,
};
/** D = 1.5 s and 33 % a second are h = 0.67: 33.4 of 50 requests/s. */
const DELAYS = [
  ...["--growth", "33%/s", "--startup", "500ms", "--scrape", "500ms", "--poll", "0"],
  ...["--period", "500ms", "--max-replicas", "4"],
];
const RAMP = ["--from", "20", "--to", "130", "--duration", "6s", "--stages", "4"];

/** A calibrated run of one replica of the fleet, as `find` leaves it: what `--dry-run` resolves, and its result. */
async function calibratedRun(context: TestContext, url: string): Promise<string> {
  const directory = join(await temporaryFolder(context), "calibrated");
  const planned = await loadline(
    context,
    ...["find", "--target", url, "--model", "sim", "--slo", SLO, "--output-tokens", "4"],
    ...["--prompt-tokens", "16", "--agents", "1", "--dry-run", "--json"],
  );
  assert.equal(planned.exitCode, 0, planned.stderr);
  const plan = planOf(planned.stdout);
  const example = JSON.parse(await readFile(join(EXAMPLE, "result.json"), "utf8")) as Result;
  const [first] = example.probes;
  assert.ok(first !== undefined && example.maxRate !== null);
  const probes = [10, 20, 30, 40, 50, 60].map((ratePerSecond) => ({
    ...first,
    requestsPerSecond: ratePerSecond,
    completedPerSecond: ratePerSecond,
    inFlightMean: ratePerSecond * 0.21,
    verdict: ratePerSecond > 50 ? "violated" : "met",
    server: {
      ...first.server,
      waitingMean: ratePerSecond * 0.01,
      runningMean: ratePerSecond * 0.2,
    },
  }));
  await mkdir(directory);
  await writeFile(
    join(directory, "result.json"),
    JSON.stringify({ ...example, probes, maxRate: { ...example.maxRate, low: 50, high: 60 } }),
  );
  const recorded = { loadline: "0.1.0", runId: "r", startedAt: "", model: "sim", directory };
  await writeFile(join(directory, "plan.json"), JSON.stringify({ ...plan, ...recorded }));
  return directory;
}

function planOf(dryRun: string): Plan {
  return (JSON.parse(dryRun) as { readonly plan: Plan }).plan;
}

test("a fleet whose autoscaler follows the number passes, and its replicas are no fault of the run", async (context) => {
  const fleet = await startAutoscaled(context, FLEET);
  const run = await calibratedRun(context, fleet.url);
  const out = join(run, "ramp");
  const ended = await loadline(
    context,
    ...["calibrate", "verify", run, "--server-metrics", fleet.metricsUrl, ...DELAYS, ...RAMP],
    ...["--out", out, "--json"],
  );
  assert.equal(ended.exitCode, 0, ended.stderr + ended.stdout);
  const verified = JSON.parse(ended.stdout) as Verified;
  assert.equal(verified.verdict, "met");
  assert.equal(verified.stages.length, 4);
  assert.ok(fleet.counts.length > 1, "replicas were added");
  assert.ok((verified.stages.at(-1)?.averageReplicas ?? 0) > 1.5);
  assert.equal(verified.directory, out);
  const result = JSON.parse(await readFile(join(out, "result.json"), "utf8")) as Result;
  assert.deepEqual(result.validity.reasons, []);
  const requests = verified.stages.reduce((sum, stage) => sum + stage.requests, 0);
  assert.equal(requests, result.probes[0]?.countsByOutcome.fired);
});

test("a fleet that does not grow fails", async (context) => {
  const fleet = await startAutoscaled(context, { ...FLEET, target: undefined, maxReplicas: 1 });
  const run = await calibratedRun(context, fleet.url);
  const ended = await loadline(
    context,
    ...["calibrate", "verify", run, "--server-metrics", fleet.metricsUrl, ...DELAYS, ...RAMP],
    ...["--out", join(run, "ramp")],
  );
  assert.equal(ended.exitCode, 99, ended.stderr + ended.stdout);
  assert.match(ended.stdout, /within the SLO on 1 replicas? on average, .*: FAIL\./);
  assert.match(ended.stdout, /replicas were missing for at least \d s/);
});

test("Ctrl-C leaves the ramp's run folder whole, and no verdict", async (context) => {
  const fleet = await startAutoscaled(context, { ...FLEET, target: undefined, maxReplicas: 1 });
  const run = await calibratedRun(context, fleet.url);
  const out = join(run, "ramp");
  const running = startLoadline(context, [
    ...["calibrate", "verify", run, "--server-metrics", fleet.metricsUrl, ...DELAYS],
    ...["--from", "5", "--to", "40", "--duration", "5m", "--out", out],
  ]);
  await until("the ramp has begun", async () => (await lastSeen(out)) !== undefined);
  running.child.kill("SIGINT");
  const ended = await running.ended;
  assert.equal(ended.exitCode, 130, ended.stderr);
  assert.match(ended.stderr, /LL_VERIFY_VOID/);
  assert.ok(ended.stderr.includes(out), "it says where the run folder is");
  assert.equal(ended.stdout, "");
  const result = JSON.parse(await readFile(join(out, "result.json"), "utf8")) as Result;
  assert.equal(result.outcome.kind, "interrupted");
});

test("a fleet that does not answer is no verdict", async (context) => {
  const run = await calibratedRun(context, `http://127.0.0.1:${await closedPort()}/v1`);
  const metrics = ["--server-metrics", "http://127.0.0.1:9/metrics"];
  const ended = await loadline(
    context,
    ...["calibrate", "verify", run, ...metrics, ...DELAYS, "--duration", "2s"],
    ...["--out", join(run, "ramp")],
  );
  assert.equal(ended.exitCode, 3, ended.stderr);
  assert.match(ended.stderr, /0 of \d+ requests ended well[^]*LL_VERIFY_VOID/);
});

test("bad input of verify is refused before anything is sent", async (context) => {
  const run = await calibratedRun(context, "http://127.0.0.1:9/v1");
  const metrics = ["--server-metrics", "http://127.0.0.1:9/metrics"];
  const cases: readonly (readonly [said: RegExp, ...args: string[]])[] = [
    [/nothing tells of them[^]*--server-metrics/, run],
    [/rise from 20 to 10/, run, ...metrics, "--from", "20", "--to", "10"],
    [/--stages/, run, ...metrics, "--stages", "0"],
    [/--format is pdf/, run, ...metrics, "--format", "pdf"],
    [/--duration/, run, ...metrics, "--duration", "0"],
    [/give --duration/, run, ...metrics, "--growth", "0%/min"],
    [/LL_RUN_NOT_FOUND/, EXAMPLE, ...metrics],
    [/unknown option '--against'/, run, ...metrics, "--against", "http://127.0.0.1:9/v1"],
  ];
  await Promise.all(
    cases.map(async ([said, ...args]) => {
      const ended = await loadline(context, "calibrate", "verify", ...args);
      assert.equal(ended.exitCode, 2, args.join(" ") + ended.stderr);
      assert.match(ended.stderr, said);
      assert.equal(ended.stdout, "");
    }),
  );
  assert.deepEqual((await readdir(run)).sort(), ["plan.json", "result.json"]);
});
