import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync } from "node:fs";
import { readFile, writeFile } from "node:fs/promises";
import { delimiter, join } from "node:path";
import { type TestContext, test } from "node:test";
import type { Result } from "../../../coordinator/show/result.ts";
import { closedPort, loadline, startSimulator, temporaryFolder, until } from "../../support/cli.ts";

const prometheus = (process.env["PATH"] ?? "")
  .split(delimiter)
  .map((folder) => join(folder, "prometheus"))
  .find((path) => existsSync(path));
const skip =
  prometheus === undefined
    ? "NO PROMETHEUS on this machine (apt-get install prometheus): no server of it was asked"
    : false;

/** A real Prometheus server that scrapes one target each second; ended with the test. */
async function startPrometheus(
  context: TestContext,
  options: { readonly folder: string; readonly target: string },
): Promise<string> {
  const { folder, target } = options;
  const config = join(folder, "prometheus.yml");
  const job = { job_name: "llm", static_configs: [{ targets: [target] }] };
  const scraping = { global: { scrape_interval: "1s" }, scrape_configs: [job] };
  // JSON is YAML.
  await writeFile(config, JSON.stringify(scraping));
  const url = `http://127.0.0.1:${await closedPort()}`;
  const child = spawn(
    prometheus ?? "",
    [
      `--config.file=${config}`,
      `--storage.tsdb.path=${join(folder, "tsdb")}`,
      `--web.listen-address=${new URL(url).host}`,
    ],
    { stdio: "ignore" },
  );
  const exited = once(child, "exit");
  context.after(async () => {
    child.kill("SIGKILL");
    await exited;
  });
  await until("Prometheus has scraped its target", async () => {
    const query = `${url}/api/v1/query?query=up`;
    const text = await fetch(query).then(
      (answer) => answer.text(),
      () => "",
    );
    return /"value":\[[^\]]*"1"\]/.test(text);
  });
  return url;
}

test("a Prometheus server that scrapes the target is asked when the load is over", {
  skip,
}, async (context) => {
  const folder = await temporaryFolder(context);
  const directory = join(folder, "run");
  const server = await startSimulator(context, ["--slots", "4", "--service", "fixed:60ms"]);
  const url = await startPrometheus(context, { folder, target: new URL(server.url).host });
  const ended = await loadline(
    context,
    ...["run", "--target", server.url, "--rate", "40", "--duration", "5s", "--agents", "1"],
    ...["--output-tokens", "1", "--out", directory],
    ...["--prometheus", url, "--prometheus-match", 'job="llm"'],
  );
  assert.ok(ended.exitCode === 0 || ended.exitCode === 4, ended.stderr);
  const text = await readFile(join(directory, "result.json"), "utf8");
  const { server: said, probes } = JSON.parse(text) as Result;
  assert.deepEqual([said?.engine, said?.replicas, said?.scrapeIntervalS], ["vllm", 1, 1], text);
  const { runningMean, completedPerSecond, scrapeCount } = probes[0]!.server!;
  assert.ok(scrapeCount >= 4 && scrapeCount <= 6, `${scrapeCount} scrapes`);
  assert.ok(runningMean !== null && runningMean > 0.2, `${runningMean} running`);
  const ours = probes[0]!.completedPerSecond;
  assert.ok(
    Math.abs((completedPerSecond ?? NaN) - ours) < ours / 3,
    `${completedPerSecond}, ${ours}`,
  );
  const replayed = await loadline(context, "report", directory, "--replay", "--format", "json");
  assert.equal(replayed.stdout, text);
});

test("a Prometheus server that is none, or does not answer, ends no run", async (context) => {
  const folder = await temporaryFolder(context);
  const server = await startSimulator(context, ["--service", "fixed:5ms"]);
  const directory = join(folder, "run");
  const { exitCode, stdout, stderr } = await loadline(
    context,
    ...["run", "--target", server.url, "--rate", "10", "--duration", "1s", "--agents", "1"],
    ...["--output-tokens", "1", "--out", directory],
    ...["--prometheus", `http://127.0.0.1:${await closedPort()}`],
  );
  assert.ok(exitCode === 0 || exitCode === 4, stderr);
  assert.match(stdout, /its metrics told nothing/);
  assert.match(stdout, /failed: nobody listens there/);
});
