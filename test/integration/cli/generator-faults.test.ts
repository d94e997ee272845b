import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { readdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import { type TestContext, test } from "node:test";
import { setTimeout as delay } from "node:timers/promises";
import { promisify } from "node:util";
import { startBroker } from "../../../coordinator/broker/server.ts";
import type { Result } from "../../../coordinator/show/result.ts";
import { SystemClock } from "../../../shared/platform/system-clock.ts";
import {
  childrenOf,
  type Ended,
  logHas,
  type Running,
  startLoadline,
  startSimulator,
  temporaryFolder,
  until,
} from "../../support/cli.ts";
import { cpuQuota } from "../../support/cpu-quota.ts";
import { startMachines, whyNoNamespaces } from "../../support/namespaces.ts";

/** Agents calibrate themselves at their start, which takes its time on a busy machine. */
const START_MAX_MS = 60_000;
/**
 * A limit so wide that what is late on a busy machine stays within the bounds (2 % of it for a send, 5 % for the event
 * loop), while what is planted does not.
 */
const SLO = "ttft p99 <= 10s";
/** Longer than both bounds, and shorter than the silence after which an agent is lost. */
const STALL_MS = 1_500;
const HELD_BACK_MS = 600;

interface Firing extends Running {
  readonly directory: string;
}

/** A run of 6 s at 50/s, once its segment is armed. */
async function firing(
  context: TestContext,
  url: string,
  options: {
    readonly args?: readonly string[];
    readonly env?: Record<string, string>;
    readonly slo?: string;
  } = {},
): Promise<Firing> {
  const directory = join(await temporaryFolder(context), "run");
  const args = options.args ?? ["--agents", "1"];
  const running = startLoadline(
    context,
    [
      ...["run", "--target", url, "--rate", "50", "--duration", "6s"],
      ...["--slo", options.slo ?? SLO],
      ...["--output-tokens", "2", "--out", directory, "--json", ...args],
    ],
    options.env,
  );
  await until("a segment is armed", () => logHas(directory, "segment"), START_MAX_MS);
  // The segment starts a moment after it was armed.
  await delay(1_500);
  return { ...running, directory };
}

async function onlyChild(pid: number): Promise<number> {
  const [child, ...more] = await childrenOf(pid);
  assert.ok(child !== undefined && more.length === 0, "one agent");
  return child;
}

/** A process that gets no CPU for a while, as one whose machine is overcommitted. */
async function stall(pid: number): Promise<void> {
  process.kill(pid, "SIGSTOP");
  try {
    await delay(STALL_MS);
  } finally {
    process.kill(pid, "SIGCONT");
  }
}

function resultOf({ stdout, stderr }: Ended): Result {
  assert.notEqual(stdout, "", stderr);
  return JSON.parse(stdout) as Result;
}

/** The only agent is at fault, and it is said for what. */
function assertBlamed({ agentIds, reasons }: Result["validity"], reason: RegExp): void {
  assert.deepEqual(agentIds, ["local-1"]);
  assert.match(reasons.join("\n"), reason);
}

test("an agent that stands still makes the window invalid, and is named", async (context) => {
  const server = await startSimulator(context, ["--slots", "64", "--service", "fixed:5ms"]);
  const { pid, ended } = await firing(context, server.url);
  await stall(await onlyChild(pid));
  const end = await ended;
  const { validity, exitCode } = resultOf(end);
  assert.deepEqual([end.exitCode, exitCode], [4, 4]);
  assert.equal(validity.verdict, "invalid");
  assert.deepEqual(validity.agentIds, ["local-1"]);
  assert.match(
    validity.reasons.join("\n"),
    /^agent local-1 sent late: send delay p99 \d{3,}\.\d ms \(bound 200\.0 ms\)/,
  );
});

test("a server that stands still as long leaves it valid", async (context) => {
  const server = await startSimulator(context, ["--slots", "64", "--service", "fixed:5ms"]);
  const { ended } = await firing(context, server.url);
  await stall(server.pid);
  const end = await ended;
  const { validity, probes } = resultOf(end);
  assert.deepEqual(validity.reasons, []);
  assert.equal(validity.verdict, "valid");
  assert.equal(end.exitCode, 5, "300 requests are too few to show a p99, and that is all");
  const slowest = probes[0]!.ttftMs.max ?? 0;
  assert.ok(slowest > 0.9 * STALL_MS, `the stall is in the server's times: ${slowest} ms`);
});

test("an agent without file descriptors is named, and its requests are no errors of the server", async (context) => {
  const server = await startSimulator(context, ["--slots", "400", "--service", "fixed:4s"]);
  const { pid, ended } = await firing(context, server.url);
  const agent = await onlyChild(pid);
  // As many as it holds, about: for the first 4 s no request ends, so that each one needs a connection of its own.
  const held = (await readdir(`/proc/${agent}/fd`)).length;
  const limit = String(Math.max(8, held - 10));
  await promisify(execFile)("prlimit", ["--pid", String(agent), `--nofile=${limit}:${limit}`]);
  const end = await ended;
  assert.equal(end.exitCode, 4);
  assertBlamed(
    resultOf(end).validity,
    /agent local-1 had no socket for \d+ arrivals \(bound 0\): .*file descriptors/,
  );
});

test("a server that refuses connections leaves the agent without blame", async (context) => {
  const server = await startSimulator(context, ["--slots", "64", "--service", "fixed:5ms"]);
  const { ended } = await firing(context, server.url);
  await server.close();
  const end = await ended;
  const { validity, probes } = resultOf(end);
  assert.deepEqual(validity.reasons, []);
  assert.ok(probes[0]!.countsByOutcome.connect_error > 0);
  assert.equal(end.exitCode, 99, "the SLO is violated, and that is the verdict");
});

test("an agent whose CPU quota holds it back is named, and so is the quota", async (context) => {
  const quota = cpuQuota(context, 0.03);
  if (quota === undefined) {
    context.skip("no control group can be made");
    return;
  }
  const server = await startSimulator(context, ["--slots", "64", "--service", "fixed:5ms"]);
  const { pid, ended } = await firing(context, server.url, { slo: "ttft p99 <= 1s" });
  const agent = await onlyChild(pid);
  quota.hold(agent);
  try {
    // Far beyond the bounds, and over before the agent is silent for so long that it is taken for lost.
    await until("it was held back", () => Promise.resolve(quota.heldBackMs() > HELD_BACK_MS));
  } finally {
    quota.lift();
  }
  const end = await ended;
  assert.equal(end.exitCode, 4);
  assertBlamed(
    resultOf(end).validity,
    /agent local-1 .*likely cause: its CPU quota held it .*back for [\d,.]+ ms of the window: raise the quota/,
  );
});

test("an agent without local ports is named, and its requests are no errors of the server", {
  skip: whyNoNamespaces() ?? false,
}, async (context) => {
  const [machine] = startMachines(context, 1);
  assert.ok(machine !== undefined);
  const server = machine.loadline(
    ...["simulate-server", "--port", "8000", "--slots", "400", "--service", "fixed:4s"],
  );
  await server.says("8000");
  const directory = join(await temporaryFolder(context), "run");
  const run = machine.loadline(
    ...["run", "--target", "http://127.0.0.1:8000", "--rate", "50", "--duration", "6s"],
    ...["--slo", SLO, "--output-tokens", "2", "--agents", "1", "--out", directory],
  );
  await until("a segment is armed", () => logHas(directory, "segment"), START_MAX_MS);
  // Fewer than are in flight before the first request has ended; what is connected stays.
  const ports = "net.ipv4.ip_local_port_range=40000 40031";
  assert.equal(await machine.start("sysctl", ["-q", "-w", ports]).exitCode, 0);
  assert.equal(await run.exitCode, 4, run.output());
  const { validity } = JSON.parse(await readFile(join(directory, "result.json"), "utf8")) as Result;
  assertBlamed(validity, /agent local-1 had no socket for \d+ arrivals \(bound 0\): .*local ports/);
});

test("a dead agent is named, with how many of its requests are not known", async (context) => {
  const token = "token-of-this-test";
  const broker = await startBroker({ token, clock: new SystemClock() });
  context.after(() => broker.close());
  const env = { LOADLINE_TOKEN: token };
  const where = ["--nats", broker.url, "--fleet", "f"];
  const server = await startSimulator(context, ["--slots", "64", "--service", "fixed:5ms"]);
  const [, dead] = ["one", "two"].map((id) =>
    startLoadline(context, ["agent", ...where, "--id", id], env),
  );
  const { ended } = await firing(context, server.url, {
    args: [...where, "--min-agents", "2"],
    env,
  });
  dead!.child.kill("SIGKILL");
  const end = await ended;
  const { validity, agents } = resultOf(end);
  assert.equal(end.exitCode, 4);
  assert.match(
    validity.reasons.join("\n"),
    /agent two was lost in this window: the outcome of \d{2,} of its requests is not known, and the verdict hangs on them/,
  );
  assert.deepEqual(
    agents.map(({ id, lost }) => [id, lost]),
    [
      ["one", false],
      ["two", true],
    ],
  );
});
