import assert from "node:assert/strict";
import type { ChildProcess } from "node:child_process";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { type TestContext, test } from "node:test";
import type { Result } from "../../../coordinator/show/result.ts";
import {
  childrenOf,
  isAlive,
  logHas,
  openaiServer,
  type Running,
  startHttp,
  startLoadline,
  temporaryFolder,
  until,
} from "../../support/cli.ts";

interface Firing extends Running {
  readonly directory: string;
  readonly agentPids: readonly number[];
}

/** A run of two agents that would take a minute, once it has armed its segment. */
async function firing(context: TestContext): Promise<Firing> {
  const directory = join(await temporaryFolder(context), "run");
  const url = await startHttp(context, openaiServer());
  const running = startLoadline(context, [
    ...["run", "--target", url, "--rate", "20", "--duration", "60s"],
    ...["--output-tokens", "2", "--agents", "2", "--out", directory, "--json"],
  ]);
  await until("a segment is armed", () => logHas(directory, "segment"));
  const agentPids = await childrenOf(running.pid);
  assert.equal(agentPids.length, 2);
  return { ...running, directory, agentPids };
}

async function killAndSeeGone(child: ChildProcess, agentPids: readonly number[]): Promise<void> {
  child.kill("SIGKILL");
  try {
    await until("the agents are gone", () => areGone(agentPids));
  } finally {
    for (const pid of agentPids) if (await isAlive(pid)) process.kill(pid, "SIGKILL");
  }
}

async function areGone(pids: readonly number[]): Promise<boolean> {
  return !(await Promise.all(pids.map(isAlive))).includes(true);
}

test("Ctrl-C saves what was measured", async (context) => {
  const { child, ended, directory, agentPids } = await firing(context);
  child.kill("SIGINT");
  const { exitCode, stdout, stderr } = await ended;
  assert.equal(exitCode, 130, stderr);
  const { outcome } = JSON.parse(stdout) as Result;
  assert.deepEqual(outcome, { kind: "interrupted", reason: "" }, "the sentence says it already");
  const result = JSON.parse(stdout) as Result;
  assert.deepEqual(JSON.parse(await readFile(join(directory, "result.json"), "utf8")), result);
  assert.equal(result.outcome.kind, "interrupted");
  assert.equal(result.exitCode, 130);
  assert.match(stderr, /interrupted/);
  assert.ok(await areGone(agentPids), "no agent is left behind");
});

test("a killed coordinator leaves no agent behind", async (context) => {
  const { child, agentPids } = await firing(context);
  await killAndSeeGone(child, agentPids);
});

test("a coordinator that is killed while its agents start leaves none behind", async (context) => {
  const url = await startHttp(context, openaiServer());
  const directory = join(await temporaryFolder(context), "run");
  const { child, pid } = startLoadline(context, [
    ...["run", "--target", url, "--rate", "20", "--duration", "60s", "--agents", "1"],
    ...["--out", directory],
  ]);
  let agentPids: readonly number[] = [];
  await until("an agent is started", async () => {
    agentPids = await childrenOf(pid);
    return agentPids.length > 0;
  });
  await killAndSeeGone(child, agentPids);
});
