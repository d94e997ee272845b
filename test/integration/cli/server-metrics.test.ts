import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import type { RequestListener } from "node:http";
import { join } from "node:path";
import { describe, type TestContext, test } from "node:test";
import type { ServerEntry } from "../../../coordinator/server/entry.ts";
import type { Result } from "../../../coordinator/show/result.ts";
import type { ArrivalRecord } from "../../../simulator/http/arrival-log.ts";
import {
  loadline,
  openaiServer,
  startHttp,
  startSimulator,
  temporaryFolder,
} from "../../support/cli.ts";

async function resultIn(directory: string): Promise<Result> {
  return JSON.parse(await readFile(join(directory, "result.json"), "utf8")) as Result;
}

async function entriesIn(directory: string): Promise<readonly ServerEntry[]> {
  const lines = (await readFile(join(directory, "server.jsonl"), "utf8")).trimEnd().split("\n");
  return lines.map((line) => JSON.parse(line) as ServerEntry);
}

async function arrivalsOf(file: string): Promise<readonly ArrivalRecord[]> {
  const lines = (await readFile(file, "utf8")).trimEnd().split("\n");
  return lines
    .map((line) => JSON.parse(line) as ArrivalRecord | { readonly kind: string })
    .filter((line) => "id" in line);
}

async function assertReplays(context: TestContext, directory: string): Promise<void> {
  const replayed = await loadline(context, "report", directory, "--replay", "--format", "json");
  assert.equal(replayed.stdout, await readFile(join(directory, "result.json"), "utf8"));
}

/** A server whose metrics are served by `metricsOf` the n-th time they are asked for. */
function withMetrics(metricsOf: (scrape: number) => RequestListener): RequestListener {
  const complete = openaiServer();
  let scrape = 0;
  return (request, answer) => {
    if (request.url !== "/metrics") complete(request, answer);
    else metricsOf(scrape++)(request, answer);
  };
}

/** As an engine writes them: a counter, and a gauge of the name given. */
function text(completed: number, waiting: string = "vllm:num_requests_waiting"): RequestListener {
  const lines = [
    `vllm:request_success_total ${completed}`,
    "vllm:num_requests_running 1",
    `${waiting} 2`,
  ];
  return (_request, answer) =>
    answer.setHeader("content-type", "text/plain").end(`${lines.join("\n")}\n`);
}

const GONE: RequestListener = (_request, answer) => {
  answer.writeHead(404).end();
};
const PAGE: RequestListener = (_request, answer) => {
  answer.setHeader("content-type", "text/html").end("<html>");
};

/** A gigabyte, to whoever takes it. */
const ENDLESS: RequestListener = (_request, answer) => {
  const block = Buffer.alloc(1 << 20, `${"a".repeat(63)}\n`);
  let left = 1 << 10;
  const more = (): void => {
    while (left-- > 0 && answer.write(block));
    if (left <= 0) answer.end();
  };
  answer.setHeader("content-type", "text/plain").on("drain", more);
  more();
};

/** What an endpoint does to its scrapes, and what the run says of it. */
const FAULTS = {
  restarts: {
    metricsOf: (scrape: number) => text(scrape < 2 ? 100 : 0),
    says: "started again: its counters went back",
  },
  vanishes: {
    metricsOf: (scrape: number) => (scrape < 2 ? text(0) : GONE),
    says: "failed: HTTP 404",
  },
  renames: {
    metricsOf: (scrape: number) => text(0, scrape < 2 ? undefined : "vllm:requests_queued"),
    says: "told waiting in \\d of \\d scrapes only",
  },
  "is a page": { metricsOf: () => PAGE, says: "failed: it answers text/html, which is no metrics" },
  "has no end": { metricsOf: () => ENDLESS, says: "failed: its answer has more than 8 MiB" },
} as const;
const FAULTS_COUNT = Object.keys(FAULTS).length;

// Most of their time is the start of processes, and the windows themselves.
describe("--server-metrics", { concurrency: 3 }, () => {
  test("a run at two rates is told from the server's side too, which agrees with the server's own log", async (context) => {
    const folder = await temporaryFolder(context);
    const [directory, log] = [join(folder, "run"), join(folder, "arrivals.jsonl")];
    const server = await startSimulator(context, [
      ...["--slots", "4", "--service", "fixed:60ms", "--itl", "5ms", "--tokens", "inside"],
      ...["--log", log],
    ]);
    const ended = await loadline(
      context,
      ...["run", "--target", server.url, "--rate", "20,80", "--duration", "3s", "--agents", "1"],
      ...["--output-tokens", "4", "--server-metrics", server.url, "--out", directory],
    );
    assert.ok(ended.exitCode === 0 || ended.exitCode === 4, ended.stderr);
    const { server: said, probes, files } = await resultIn(directory);
    assert.ok(said !== undefined, "the result has the server's account");
    const { engine, replicas, urls, scrapeIntervalS, problems } = said;
    assert.deepEqual([engine, replicas, scrapeIntervalS], ["vllm", 1, 1]);
    assert.deepEqual(urls, [`${server.url}/metrics`]);
    assert.deepEqual(
      problems.filter((text) => !/was not checked|were not compared/.test(text)),
      [],
    );
    for (const check of said.checks) assert.ok(check.holds, check.text);
    assert.ok(files.names.includes("server.jsonl"));

    // Twice what four slots carry: the queue grows, and the server says so.
    const [light, heavy] = probes.map((probe) => probe.server!);
    assert.ok((light!.waitingMean ?? NaN) < 2, JSON.stringify(light));
    assert.ok((heavy!.waitingMax ?? NaN) > 10, JSON.stringify(heavy));
    assert.ok((heavy!.runningMean ?? NaN) > 3.5, JSON.stringify(heavy));
    assert.ok((heavy!.kvUseMean ?? NaN) > 0.5, JSON.stringify(heavy));
    for (const { scrapeCount, problems } of [light!, heavy!]) {
      assert.ok(scrapeCount >= 2 && scrapeCount <= 4, `${scrapeCount} scrapes`);
      assert.deepEqual(problems, []);
    }

    await server.close();
    const arrivals = await arrivalsOf(log);
    const entries = await entriesIn(directory);
    const last = entries.at(-1);
    assert.ok(last?.kind === "scrape", "the last word is said when all is over");
    const done = arrivals.filter(({ outcome }) => outcome === "ok");
    assert.equal(last.reading.completed, done.length);
    assert.equal(
      last.reading.generationTokens,
      arrivals.reduce((sum, { tokens }) => sum + tokens, 0),
    );
    const meanS = (last.reading.e2e?.sumS ?? NaN) / (last.reading.e2e?.count ?? NaN);
    const loggedS =
      done.reduce((sum, { endedAtNs = NaN, arrivedAtNs }) => sum + endedAtNs - arrivedAtNs, 0) /
      done.length /
      1e9;
    assert.ok(Math.abs(meanS - loggedS) < 1e-6, `${meanS} s, ${loggedS} s by the log`);

    await assertReplays(context, directory);
  });

  test("metrics that restart, vanish, are renamed, are none or have no end do not end a run, and are told", async (context) => {
    const directory = join(await temporaryFolder(context), "run");
    const target = await startHttp(context, openaiServer());
    const urls = await Promise.all(
      Object.values(FAULTS).map(({ metricsOf }) => startHttp(context, withMetrics(metricsOf))),
    );
    const { exitCode, stderr, stdout } = await loadline(
      context,
      ...["run", "--target", target, "--rate", "5", "--duration", "3s", "--agents", "1"],
      ...["--output-tokens", "1", "--server-metrics", ...urls, "--out", directory],
    );
    assert.ok(exitCode === 0 || exitCode === 4, `${exitCode} ${stderr}`);
    const { server, validity } = await resultIn(directory);
    assert.deepEqual([server!.engine, server!.replicas], ["vllm", FAULTS_COUNT]);
    for (const [place, { says }] of Object.values(FAULTS).entries()) {
      const said = new RegExp(`${urls[place]}/metrics (.*)?${says}`);
      assert.match(server!.problems.join("\n"), said);
      assert.match(stdout, said, "the terminal tells it too");
    }
    assert.match(validity.reasons.join("\n"), /counters at .* started again within the window/);
    await assertReplays(context, directory);
  });

  test("a server that serves others as well makes the window invalid, and not for the generator's sake", async (context) => {
    const directory = join(await temporaryFolder(context), "run");
    const url = await startHttp(
      context,
      withMetrics((scrape) => text(1_000 * scrape)),
    );
    const { exitCode, stdout } = await loadline(
      context,
      ...["run", "--target", url, "--rate", "5", "--duration", "4s", "--agents", "1"],
      ...["--output-tokens", "1", "--server-metrics", `${url}/metrics`, "--out", directory],
    );
    assert.equal(exitCode, 4, stdout);
    assert.match(stdout, /the target completed \d+ requests by its own count/);
    const { validity } = await resultIn(directory);
    assert.equal(validity.verdict, "invalid");
    // On a busy machine an agent may have been late as well.
    const isLate = validity.agentIds !== undefined;
    assert.equal(validity.isOfTarget, isLate ? undefined : true);
    assert.match(
      stdout,
      isLate ? /the generator/ : /INVALID: the target changed, or served others too/,
    );
  });

  test("an address that is none is refused before anything is sent", async (context) => {
    const { exitCode, stderr } = await loadline(
      context,
      ...["run", "--target", "http://127.0.0.1:9", "--rate", "1"],
      ...["--server-metrics", "http://user:hunter2@host/metrics", "host:8000/metrics"],
    );
    assert.equal(exitCode, 2);
    assert.match(stderr, /--server-metrics: the URL holds a user or password/);
    assert.match(stderr, /--server-metrics: it is no http:\/\/ or https:\/\/ URL/);
    assert.doesNotMatch(stderr, /hunter2/);
  });
});
