import assert from "node:assert/strict";
import { type ChildProcess, spawnSync } from "node:child_process";
import { createInterface } from "node:readline";
import { test } from "node:test";
import {
  closedPort,
  loadline,
  logHas,
  startLoadline,
  startSimulator,
  temporaryFolder,
  until,
} from "../../support/cli.ts";
import { readExposition } from "../../support/exposition.ts";
import { embedded } from "../../support/nats-server.ts";

const promtool = spawnSync("promtool", ["--version"]).status === 0;
const FIRED = 'arrivals_total{fate="fired"}';

test("a run on a fleet is told by /metrics and by the logs of its agent and its coordinator", async (context) => {
  const broker = await embedded.start();
  context.after(() => broker.close());
  const target = await startSimulator(context, ["--slots", "16", "--service", "fixed:5ms"]);
  const environment = { LOADLINE_TOKEN: broker.token };
  const agent = startLoadline(
    context,
    [
      ...["agent", "--nats", broker.url, "--id", "gpu-a", "--allow", new URL(target.url).host],
      ...["--metrics-listen", "0", "--log-format", "json"],
    ],
    environment,
  );
  const agentLog = new JsonLines(agent.child);
  const agentUrl = (await agentLog.has("serves metrics"))["url"] as string;
  await agentLog.has("joined the fleet");
  assert.equal((await scrape(agentUrl)).get('loadline_agent_state{state="registered"}'), 1);

  const directory = `${await temporaryFolder(context)}/run`;
  const run = startLoadline(
    context,
    [
      ...["run", "--nats", broker.url, "--target", target.url, "--rate", "40", "--duration", "3s"],
      ...["--output-tokens", "2", "--out", directory],
      ...["--metrics-listen", "127.0.0.1:0", "--log-format", "json"],
    ],
    environment,
  );
  const runLog = new JsonLines(run.child);
  const runUrl = (await runLog.has("serves metrics"))["url"] as string;
  await until(
    "reports are told of",
    async () => ((await scrape(runUrl)).get("loadline_run_reports_total") ?? 0) > 0,
  );
  const page = await text(runUrl);
  const during = readExposition(page);
  assert.equal(during.get("loadline_run_agents"), 1);
  assert.equal(during.get("loadline_run_segment"), 1);
  assert.ok((during.get(`loadline_run_${FIRED}`) ?? 0) > 0);
  assertPromtoolTakes(page + (await text(agentUrl)));
  assert.ok(await logHas(directory, "segment"));

  const { exitCode, stderr } = await run.ended;
  // On a busy machine the agent may judge itself too late.
  assert.ok(exitCode === 0 || exitCode === 4, stderr);
  const runId = (await runLog.has("1 agents"))["run"];
  assert.equal((await runLog.has("segment armed"))["segment"], 1);
  const started = await agentLog.has("segment started");
  assert.deepEqual([started["agent"], started["run"], started["segment"]], ["gpu-a", runId, 1]);
  await agentLog.has("released: everything is reported");

  const after = await scrape(agentUrl);
  assert.equal(after.get("loadline_agent_requests_in_flight"), 0);
  assert.equal(after.get('loadline_agent_state{state="registered"}'), 1);
  assert.equal(after.get("loadline_agent_segments_started_total"), 1);
  assert.ok(
    (after.get(`loadline_agent_${FIRED}`) ?? 0) >= (during.get(`loadline_run_${FIRED}`) ?? 0),
  );
});

test("only /metrics is served, and an address that cannot be had is refused before anything is started", async (context) => {
  const port = await closedPort();
  const nowhere = `nats://127.0.0.1:${await closedPort()}`;
  const first = startLoadline(context, [
    "agent",
    "--nats",
    nowhere,
    "--metrics-listen",
    String(port),
  ]);
  const url = `http://127.0.0.1:${port}`;
  await until(
    "the page is there",
    async () => (await fetch(url).catch(() => undefined)) !== undefined,
  );
  assert.equal((await fetch(url)).status, 404);
  assert.equal((await fetch(`${url}/metrics`, { method: "POST" })).status, 405);
  // No message engine is there, and an operator wants to see just that.
  const page = await scrape(`${url}/metrics`);
  assert.equal(page.get("loadline_agent_connected"), 0);
  assert.equal(page.get('loadline_agent_state{state="starting"}'), 1);
  const second = await loadline(
    context,
    "agent",
    "--nats",
    nowhere,
    "--metrics-listen",
    String(port),
  );
  assert.equal(second.exitCode, 2);
  assert.match(second.stderr, /code: LL_METRICS_LISTEN/);
  first.child.kill("SIGTERM");
  assert.equal((await first.ended).exitCode, 0);
});

/** Lines of a process's standard error, each one JSON object. */
class JsonLines {
  readonly #lines: Record<string, unknown>[] = [];
  constructor(child: ChildProcess) {
    createInterface({ input: child.stderr! }).on("line", (line) => {
      this.#lines.push(JSON.parse(line) as Record<string, unknown>);
    });
  }

  async has(message: string): Promise<Record<string, unknown>> {
    const find = (): Record<string, unknown> | undefined =>
      this.#lines.find(({ msg }) => msg === message);
    await until(message, () => Promise.resolve(find() !== undefined));
    return find()!;
  }
}

async function text(url: string): Promise<string> {
  const response = await fetch(url);
  assert.match(response.headers.get("content-type") ?? "", /^text\/plain; version=0\.0\.4/);
  return response.text();
}

async function scrape(url: string): Promise<ReadonlyMap<string, number>> {
  return readExposition(await text(url));
}

function assertPromtoolTakes(page: string): void {
  if (!promtool) {
    process.stderr.write("\n*** NOT TESTED with promtool: it is not installed ***\n");
    return;
  }
  // Both processes have a loadline_process_… of their own.
  const one = page.replace(/(# HELP loadline_process_[^]*)(# HELP loadline_agent_info)/, "$2");
  const { status, stdout, stderr } = spawnSync("promtool", ["check", "metrics"], {
    input: one,
    encoding: "utf8",
  });
  assert.equal(status, 0, `${stdout}${stderr}`);
}
