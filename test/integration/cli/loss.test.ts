import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { mkdtemp, readdir, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, type TestContext, test } from "node:test";
import { setTimeout as delay } from "node:timers/promises";
import { startBroker } from "../../../coordinator/broker/server.ts";
import type { Result } from "../../../coordinator/show/result.ts";
import { SystemClock } from "../../../shared/platform/system-clock.ts";
import { NS_PER_SECOND } from "../../../shared/units.ts";
import {
  childrenOf,
  type Ended,
  loadline,
  logHas,
  openaiServer,
  type Running,
  startHttp,
  startLoadline,
  startSimulator,
  temporaryFolder,
  until,
} from "../../support/cli.ts";

/** Agents calibrate themselves at their start, which takes its time on a busy machine. */
const START_MAX_MS = 90_000;
/** Three leases, and more: the run's other agent is in the middle of its load by then. */
const STANDS_STILL_MS = 10_000;

interface Begun extends Running {
  readonly directory: string;
}

/** A command that sends, once a second of its first segment is reported. */
async function begun(
  context: TestContext,
  args: readonly string[],
  env: Record<string, string> = {},
): Promise<Begun> {
  const directory = join(await temporaryFolder(context), "run");
  const running = startLoadline(context, [...args, "--out", directory, "--json"], env);
  await until("it measures", () => isMeasuring(directory), START_MAX_MS);
  return { ...running, directory };
}

interface LogLine {
  readonly kind: string;
  readonly segment?: { readonly startAtNs: number };
  readonly seen?: { readonly sealedUntilNs: number };
}

async function isMeasuring(directory: string): Promise<boolean> {
  const text = await readFile(join(directory, "log.jsonl"), "utf8").catch(() => "");
  const whole = text.slice(0, text.lastIndexOf("\n") + 1).split("\n");
  const lines = whole.filter((line) => line !== "").map((line) => JSON.parse(line) as LogLine);
  // On a busy machine a segment may have to be armed again.
  const startAtNs = lines.findLast(({ kind }) => kind === "segment")?.segment?.startAtNs;
  const sealedNs = Math.max(...lines.map(({ seen }) => seen?.sealedUntilNs ?? -Infinity));
  return startAtNs !== undefined && sealedNs >= startAtNs + NS_PER_SECOND;
}

function resultOf({ stdout, stderr }: Ended): Result {
  assert.notEqual(stdout, "", stderr);
  return JSON.parse(stdout) as Result;
}

function runOf(url: string, ...more: string[]): readonly string[] {
  return ["run", "--target", url, "--rate", "40", "--output-tokens", "2", ...more];
}

/** One of several local agents, by SIGKILL. */
async function killOne(pid: number): Promise<void> {
  const [one] = await childrenOf(pid);
  assert.ok(one !== undefined);
  process.kill(one, "SIGKILL");
}

describe("loss, with real processes", { concurrency: 3 }, () => {
  test("a killed local agent: the others go on, and it is named with what it did not offer", async (context) => {
    const url = await startHttp(context, openaiServer());
    const { pid, ended, directory } = await begun(
      context,
      runOf(url, "--duration", "20s", "--agents", "2"),
    );
    await killOne(pid);
    const again = await loadline(context, "resume", directory);
    assert.equal(again.exitCode, 2);
    assert.match(again.stderr, /LL_COORDINATOR_ALIVE/);
    const end = await ended;
    const { outcome, agents, lost, probes, exitCode } = resultOf(end);
    assert.deepEqual(outcome, { kind: "finished", reason: "" });
    assert.ok([0, 4].includes(exitCode) && exitCode === end.exitCode, end.stderr);
    const [dead] = agents.filter((agent) => agent.lost);
    assert.ok(dead !== undefined && agents.length === 2);
    const unknown = lost.arrivalRanges.filter(({ offered }) => offered === "unknown");
    assert.deepEqual([...new Set(unknown.map(({ agentId }) => agentId))], [dead.id]);
    assert.ok(lost.unknownCount >= (unknown[0]?.count ?? Infinity));
    assert.ok((probes[0]?.countsByOutcome.fired ?? 0) > dead.firedCount + 20, "the other went on");
  });

  test("without any agent, and with --on-agent-loss fail, a run ends with what was measured", async (context) => {
    const url = await startHttp(context, openaiServer());
    const runs = [
      ["--agents", "1"],
      ["--agents", "2", "--on-agent-loss", "fail"],
    ];
    await Promise.all(
      runs.map(async (how) => {
        const { pid, ended, directory } = await begun(
          context,
          runOf(url, "--duration", "60s", ...how),
        );
        await killOne(pid);
        const end = await ended;
        const { outcome, probes } = resultOf(end);
        assert.equal(end.exitCode, 4, end.stderr);
        assert.equal(outcome.kind, "agents-lost");
        assert.ok((probes[0]?.countsByOutcome.fired ?? 0) > 0, "what was measured is there");
        assert.ok((await readdir(directory)).includes("result.json"));
      }),
    );
  });

  test("kill -9 of one of three agents in the middle of a search leaves a right answer", async (context) => {
    const server = await startSimulator(context, ["--slots", "64", "--service", "fixed:5ms"]);
    const { pid, ended } = await begun(context, [
      ...["find", "--target", server.url, "--slo", "ttft p50 <= 2s", "--agents", "3"],
      ...["--min-rate", "30", "--max-rate", "30", "--time-budget", "90s", "--method", "bisect"],
      ...["--output-tokens", "2"],
    ]);
    await killOne(pid);
    const end = await ended;
    const { outcome, validity, maxRate, agents } = resultOf(end);
    assert.equal(outcome.kind, "found", `${outcome.reason}; ${JSON.stringify(validity)}`);
    assert.equal(maxRate?.requestsPerSecond, 30);
    assert.equal(agents.filter(({ lost }) => lost).length, 1);
  });

  test("an agent that stood still comes back: its late reports count, and what it held back is named", async (context) => {
    const url = await startHttp(context, openaiServer());
    const { pid, ended, directory } = await begun(
      context,
      runOf(url, "--duration", "20s", "--agents", "2"),
    );
    const [stopped] = await childrenOf(pid);
    assert.ok(stopped !== undefined);
    process.kill(stopped, "SIGSTOP");
    const stood = delay(STANDS_STILL_MS);
    try {
      await until("it is taken for lost", () => logHas(directory, "agent-lost"));
      await stood;
    } finally {
      process.kill(stopped, "SIGCONT");
    }
    const end = await ended;
    const { outcome, lost, agents, probes } = resultOf(end);
    assert.equal(outcome.kind, "finished", end.stderr);
    const id = agents.find((agent) => agent.lost)?.id;
    assert.ok(id !== undefined);
    const heldBack = lost.arrivalRanges.filter(({ offered }) => offered === "no");
    // Every arrival is in the books, or named.
    const [probe] = probes;
    assert.ok(probe !== undefined);
    const named = heldBack.reduce((sum, { count }) => sum + count, 0);
    assert.equal(probe.countsByOutcome.not_offered_aborted, named);
  });

  test("agents of a fleet whose coordinator was killed report to the next, and nothing is lost", async (context) => {
    const token = "token-of-this-test";
    const env = { LOADLINE_TOKEN: token };
    const broker = await startBroker({ token, clock: new SystemClock() });
    context.after(() => broker.close());
    const url = await startHttp(context, openaiServer());
    const where = ["--nats", broker.url, "--fleet", "f"];
    for (const id of ["one", "two"]) startLoadline(context, ["agent", ...where, "--id", id], env);
    const { child, ended, directory } = await begun(
      context,
      runOf(url, ...where, "--min-agents", "2", "--duration", "8s"),
      env,
    );
    child.kill("SIGKILL");
    await ended;
    const resumed = startLoadline(context, ["resume", directory, "--json"], env);
    const end = await resumed.ended;
    const { outcome, lost, resumptions } = resultOf(end);
    assert.equal(outcome.kind, "finished", end.stderr);
    assert.equal(resumptions?.length, 1);
    assert.equal(lost.unknownCount, 0, JSON.stringify(lost));
    assert.ok(lost.arrivalRanges.every(({ offered }) => offered === "no"));
  });

  test("a full disk ends the run with its reason, and leaves nothing half-written", {
    skip: process.getuid?.() === 0 ? false : "only root can mount a small disk",
  }, async (context) => {
    const disk = await mkdtemp(join(tmpdir(), "loadline-disk-"));
    context.after(() => rm(disk, { recursive: true, force: true }));
    try {
      execFileSync("mount", ["-t", "tmpfs", "-o", "size=32k", "tmpfs", disk], { stdio: "ignore" });
    } catch {
      context.skip("no disk can be mounted here");
      return;
    }
    const url = await startHttp(context, openaiServer());
    const directory = join(disk, "run");
    const { exitCode, stderr } = await loadline(
      context,
      ...runOf(url, "--duration", "120s", "--agents", "1", "--out", directory),
    );
    assert.equal(exitCode, 4, stderr);
    assert.match(stderr, /LL_RUN_FOLDER_WRITE/);
    const names = await readdir(directory);
    execFileSync("umount", ["--lazy", disk]);
    assert.ok(!names.includes("result.json") && !names.some((name) => name.endsWith(".tmp")));
  });
});
