import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import { fileURLToPath } from "node:url";
import { buildProgram } from "../../cli/program.ts";

const UNIT = fileURLToPath(new URL("../../deploy/loadline-agent.service", import.meta.url));

const verifier = spawnSync("systemd-analyze", ["--version"]).status === 0;

test("systemd takes the agent's unit", {
  skip: verifier ? false : "NOT TESTED: systemd-analyze is not installed",
}, () => {
  const { status, stdout, stderr } = spawnSync("systemd-analyze", ["verify", UNIT], {
    encoding: "utf8",
  });
  assert.equal(status, 0, stderr);
  assert.equal(stdout + stderr, "");
});

test("the unit starts an agent with flags that there are, and ends a drained one for good", () => {
  const unit = readFileSync(UNIT, "utf8");
  const command = /^ExecStart=\/usr\/bin\/env loadline (\w+) (.*)$/m.exec(unit);
  assert.ok(command !== null);
  const [, name = "", flags = ""] = command;
  const agent = buildProgram().commands.find((each) => each.name() === name);
  assert.ok(agent !== undefined);
  const known = agent.options.map((option) => option.long);
  for (const [flag] of flags.matchAll(/--[\w-]+/g)) assert.ok(known.includes(flag), flag);
  assert.match(unit, /^Restart=on-failure$/m);
});
