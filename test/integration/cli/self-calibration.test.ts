import assert from "node:assert/strict";
import { existsSync } from "node:fs";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { describe, test } from "node:test";
import type { Result } from "../../../coordinator/show/result.ts";
import {
  childrenOf,
  isAlive,
  loadline,
  logHas,
  openaiServer,
  startHttp,
  startLoadline,
  temporaryFolder,
  until,
} from "../../support/cli.ts";

/** Every process says which flags it sets in V8. */
const TELL_OF_FLAGS = `--import=data:text/javascript,${encodeURIComponent(`
  import { syncBuiltinESMExports } from "node:module";
  import v8 from "node:v8";
  const set = v8.setFlagsFromString;
  v8.setFlagsFromString = (flags) => { console.error("V8 is told " + flags); set(flags); };
  syncBuiltinESMExports();
`)}`;

describe("self-calibration", { concurrency: 2 }, () => {
  test("a rate that no agent carries is refused before anything is sent", async (context) => {
    const asked: string[] = [];
    const answer = openaiServer();
    const url = await startHttp(context, (request, response) => {
      asked.push(request.url ?? "");
      answer(request, response);
    });
    const out = join(await temporaryFolder(context), "run");
    const { exitCode, stdout, stderr } = await loadline(
      context,
      ...["run", "--target", url, "--model", "m", "--rate", "500000", "--duration", "1s"],
      ...["--agents", "1", "--out", out],
    );
    assert.equal(exitCode, 2, stderr);
    assert.match(stderr, /500,000 requests\/s of 64 tokens, and 1 agent here carries about \d/);
    assert.match(stderr, /it takes \d+ agents/);
    assert.match(stderr, /code: LL_RATE_ABOVE_AGENTS/);
    assert.equal(stdout, "");
    assert.deepEqual(asked, []);
    assert.ok(!existsSync(join(out, "result.json")));
  });

  test("preflight says what an agent carries and adds, and how many a rate takes", async (context) => {
    const url = await startHttp(context, openaiServer());
    const args = ["preflight", "--target", url, "--rate", "1000000", "--output-tokens", "16"];
    const { exitCode, stdout, stderr } = await loadline(context, ...args);
    assert.equal(exitCode, 0, stderr);
    assert.match(stdout, /^agent {8}carries about [\d,.]+ requests\/s of 16 tokens/m);
    assert.match(stdout, /^agent adds {3}TTFT p50 [\d.]+ ms, p99 [\d.]+ ms; gap error p99/m);
    assert.match(
      stdout,
      /^agents {7}\d[\d,]* for 1,000,000 requests\/s \(this machine has \d+ core/m,
    );
  });

  test("preflight as JSON has the same figures, and refuses a rate that is none", async (context) => {
    const url = await startHttp(context, openaiServer());
    const good = await loadline(context, "preflight", "--target", url, "--json");
    const { agent } = JSON.parse(good.stdout) as { agent: Record<string, unknown> };
    assert.ok(Number(agent["cleanRatePerSecond"]) > 0);
    assert.ok(Number(agent["cleanTokensPerSecond"]) > 0);
    assert.equal(agent["agentsNeeded"], null);
    const bad = await loadline(context, "preflight", "--target", url, "--rate", "many");
    assert.equal(bad.exitCode, 2);
    assert.match(bad.stderr, /LL_FLAG_INVALID/);
  });

  test("a result holds each agent's floor and rates, its code settled, and a refusal can be overruled", async (context) => {
    const url = await startHttp(context, openaiServer());
    const out = join(await temporaryFolder(context), "run");
    const { exitCode, stderr } = await startLoadline(
      context,
      [
        ...["run", "--target", url, "--model", "m", "--rate", "90000", "--requests", "50"],
        ...["--beyond-clean-rate", "--agents", "1", "--out", out],
      ],
      { NODE_OPTIONS: TELL_OF_FLAGS },
    ).ended;
    assert.notEqual(exitCode, 2, stderr);
    // The one agent, and nobody else.
    assert.deepEqual(stderr.match(/^V8 is told .*$/gm), ["V8 is told --no-turbofan"]);
    const result = JSON.parse(await readFile(join(out, "result.json"), "utf8")) as Result;
    const [agent] = result.agents;
    assert.ok(agent?.floor !== undefined, stderr);
    assert.ok(agent.floor.ttftP50Ms >= 0 && agent.floor.ttftP99Ms >= agent.floor.ttftP50Ms);
    assert.ok((agent.cleanRatePerSecond ?? 0) > 0 && (agent.cleanTokensPerSecond ?? 0) > 0);
  });

  test("an agent that is killed while it calibrates leaves no sink behind", async (context) => {
    const url = await startHttp(context, openaiServer());
    const out = join(await temporaryFolder(context), "run");
    const { child, pid } = startLoadline(context, [
      ...["run", "--target", url, "--model", "m", "--rate", "5", "--agents", "1", "--out", out],
    ]);
    let sinkPids: readonly number[] = [];
    await until("an agent has started its sink", async () => {
      const [agentPid] = await childrenOf(pid);
      if (agentPid === undefined) return false;
      sinkPids = await childrenOf(agentPid);
      return sinkPids.length > 0;
    });
    assert.equal(await logHas(out, "agents"), false, "it has not said hello yet");
    child.kill("SIGKILL");
    await until(
      "the sink is gone",
      async () => !(await Promise.all(sinkPids.map(isAlive))).includes(true),
    );
  });
});
