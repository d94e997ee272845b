import assert from "node:assert/strict";
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { describe, test } from "node:test";
import { loadline, startHttp, temporaryFolder } from "../../support/cli.ts";

/** Nothing listens here; a plan that is wrong is refused before anybody would notice. */
const NOWHERE = "http://127.0.0.1:9";

// Most of their time is the start of a process, which waits for nothing.
describe("wrong input", { concurrency: 2 }, () => {
  for (const { name, args, code, says } of [
    {
      name: "an unknown flag",
      args: ["run", "--targt", NOWHERE],
      code: "LL_FLAG_INVALID",
      says: /unknown option '--targt'[^]*--target/,
    },
    {
      name: "an unknown command",
      args: ["fnd"],
      code: "LL_FLAG_INVALID",
      says: /unknown command 'fnd'[^]*find/,
    },
    {
      name: "a limit below nought",
      args: ["run", "--target", NOWHERE, "--rate", "1", "--slo", "ttft p99 <= -3ms"],
      code: "LL_PLAN_INVALID",
      says: /--slo: .*-3ms.*1us to 60min/,
    },
    {
      name: "a command that is not built yet",
      args: ["serve", "--target", NOWHERE],
      code: "LL_NOT_YET",
      says: /serve/,
    },
  ]) {
    test(`${name} ends with 2 and ${code}`, async (context) => {
      const { exitCode, stdout, stderr } = await loadline(context, ...args);
      assert.equal(exitCode, 2, stderr);
      assert.match(stderr, says);
      assert.match(stderr, new RegExp(`^  code: ${code} \\(docs/errors\\.md\\)$`, "m"));
      assert.match(stderr, /^ {2}to do: ./m);
      assert.equal(stdout, "");
    });
  }

  test("help that was asked for ends with 0 and names no error", async (context) => {
    const { exitCode, stdout, stderr } = await loadline(context, "--help");
    assert.equal(exitCode, 0);
    assert.match(stdout, /find .*run /s);
    assert.equal(stderr, "");
  });

  test("every mistake of a plan file is named at once, with its line", async (context) => {
    const plan = join(await temporaryFolder(context), "plan.yaml");
    const lines = [
      `target: ${NOWHERE}`,
      "rate: fast",
      "duration: 3 parsecs",
      "slo:",
      '  - "ttft p99 <= -3ms"',
      "outputtokens: 4",
      "agents: 0",
    ];
    await writeFile(plan, `${lines.join("\n")}\n`);
    const { exitCode, stderr } = await loadline(context, "run", "--plan", plan);
    assert.equal(exitCode, 2);
    assert.match(stderr, /the plan is wrong in 5 places/);
    assert.match(stderr, /code: LL_PLAN_INVALID/);
    for (const [line, says] of [
      [2, "fast"],
      [3, "parsecs"],
      [5, "-3ms"],
      [6, "output-tokens"],
      [7, '"0"'],
    ] as const) {
      const named = stderr.split("\n").find((each) => each.includes(`plan.yaml:${line}:`));
      assert.ok(named?.includes(says), `line ${line}: ${named ?? "is not named"}`);
    }
  });

  test("a dry run prints the plan, the shares and the schedule's hash, and fires nothing", async (context) => {
    let asked = 0;
    const target = await startHttp(context, (_, answer) => {
      asked += 1;
      answer.end();
    });
    const { exitCode, stdout, stderr } = await loadline(
      context,
      ...[
        "run",
        "--target",
        target,
        "--rate",
        "10",
        "--duration",
        "5s",
        "--agents",
        "3",
        "--dry-run",
      ],
    );
    assert.equal(exitCode, 0, stderr);
    const dry = JSON.parse(stdout) as {
      readonly plan: { readonly command: string };
      readonly shares: readonly { readonly agentId: string; readonly arrivals: number }[];
      readonly scheduleHash: string;
    };
    assert.equal(dry.plan.command, "run");
    assert.deepEqual(
      dry.shares.map(({ agentId }) => agentId),
      ["local-1", "local-2", "local-3"],
    );
    assert.ok(dry.shares.every(({ arrivals }) => arrivals > 0));
    assert.match(dry.scheduleHash, /^[0-9a-f]{64}$/);
    assert.equal(asked, 0);
  });
});
