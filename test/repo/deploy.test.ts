import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import { fileURLToPath } from "node:url";
import { parse } from "yaml";
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

test("every command of the compose file and of the documents of a fleet has flags that there are", () => {
  const commands = buildProgram().commands;
  const { services } = parse(read("deploy/compose.yaml"), { merge: true }) as {
    services: Record<string, { command: readonly string[]; read_only: boolean }>;
  };
  const typed = Object.entries(services)
    .filter(([name]) => name !== "nats")
    .map(([, { command }]) => command.map((word) => word.replace(/^\$\{\w+:-([^}]*)\}$/, "$1")));
  assert.ok(Object.values(services).every((service) => service.read_only));
  const documents = ["docs/operating-a-fleet.md", "docs/metrics.md", "docs/security.md"].map(read);
  for (const [, line = ""] of documents
    .join("\n")
    .matchAll(/\bloadline ((?:agent|find|run) --[^`\n]*)/g))
    typed.push(line.split(/\s+/));
  for (const [name, ...words] of typed) {
    const known = commands.find((each) => each.name() === name)?.options.map(({ long }) => long);
    assert.ok(known !== undefined, name);
    for (const word of words.filter((each) => each.startsWith("--")))
      assert.ok(known.includes(word.split("=")[0] ?? ""), `${name ?? ""} ${word}`);
  }
  assert.ok(typed.length >= 5, "compose, and the documents");
});

function read(path: string): string {
  return readFileSync(new URL(`../../${path}`, import.meta.url), "utf8");
}
