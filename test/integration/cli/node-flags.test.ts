import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { test } from "node:test";
import { fileURLToPath } from "node:url";
import { AGENT_NODE_FLAGS } from "../../../cli/node-flags.ts";

const LOADLINE = fileURLToPath(new URL("../../../cli/loadline.ts", import.meta.url));
/** Each Node that starts says what it is, and with which flags. */
const TELL =
  "--import=data:text/javascript,console.error(JSON.stringify([process.pid,...process.execArgv]))";

/** The process that a typed command was, and the one that it became. */
function startsOf(...args: readonly string[]): readonly (readonly [number, ...string[]])[] {
  const { status, stderr } = spawnSync(process.execPath, [LOADLINE, ...args, "--help"], {
    encoding: "utf8",
    env: { ...process.env, NODE_OPTIONS: TELL },
  });
  assert.equal(status, 0, stderr);
  const lines = stderr.split("\n").filter((line) => line.startsWith("["));
  return lines.map((line) => JSON.parse(line) as [number, ...string[]]);
}

test("an agent that was typed runs with the flags of one that a command starts, in the same process", () => {
  for (const command of ["agent", "preflight"]) {
    const starts = startsOf(command);
    assert.deepEqual(
      starts.map(([, ...flags]) => flags),
      [[], AGENT_NODE_FLAGS],
    );
    assert.equal(new Set(starts.map(([pid]) => pid)).size, 1);
  }
});

test("a coordinator has a small young generation, and a command that only reads starts once", () => {
  for (const command of ["find", "run", "sweep", "resume"])
    assert.deepEqual(startsOf(command).at(-1)?.slice(1), ["--max-semi-space-size=4"]);
  assert.equal(startsOf("report").length, 1);
});

test("flags that are there are not given twice", () => {
  const { stderr } = spawnSync(
    process.execPath,
    [...AGENT_NODE_FLAGS, LOADLINE, "agent", "--help"],
    {
      encoding: "utf8",
      env: { ...process.env, NODE_OPTIONS: TELL },
    },
  );
  assert.equal(stderr.split("\n").filter((line) => line.startsWith("[")).length, 1);
});
