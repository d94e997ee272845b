import assert from "node:assert/strict";
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { before, describe, test } from "node:test";
import { fileURLToPath } from "node:url";
import { spawnSync } from "node:child_process";
import type { Result } from "../../../coordinator/show/result.ts";
import { temporaryFolder } from "../../support/cli.ts";
import { buildLoadlineImage, buildNatsImage, succeed, whyNoDocker } from "../../support/docker.ts";

const COMPOSE_FILE = fileURLToPath(new URL("../../../deploy/compose.yaml", import.meta.url));
const COMPOSE = composeCommand();

const { version } = JSON.parse(
  readFileSync(new URL("../../../package.json", import.meta.url), "utf8"),
) as { version: string };
const HARDENED = [
  "--rm",
  "--read-only",
  "--cap-drop=ALL",
  "--security-opt=no-new-privileges",
  "--network=none",
];

describe("containers", { skip: whyNoDocker() ?? false }, () => {
  let image = "";
  before(() => {
    image = buildLoadlineImage();
  });

  test("the image runs as any user, with a root that is read-only, and holds no tool", () => {
    const run = (...args: readonly string[]): string =>
      succeed("docker", ["run", ...HARDENED, ...args]);
    assert.equal(run("--user", "123456:7", image, "--version").trim(), version);
    assert.equal(run(image, "--version").trim(), version, "its own user");

    const config = JSON.parse(
      succeed("docker", ["inspect", "--format", "{{json .Config}}", image]),
    ) as {
      User: string;
      Entrypoint: readonly string[];
    };
    assert.match(config.User, /^[1-9]\d*:[1-9]\d*$/, "not root, and told by number");
    const found = run(
      ...[
        "--user",
        "4711:4711",
        "--tmpfs",
        "/work:mode=1777",
        "--entrypoint",
        "/usr/local/bin/node",
        image,
      ],
      ...["--input-type=module", "--eval", LOOKS_AROUND],
    );
    assert.deepEqual(JSON.parse(found), { writable: [], tools: [], types: 0, uid: 4711 });
  });

  test("compose.yaml is a fleet that runs a search", {
    skip: COMPOSE === undefined ? "NOT TESTED with compose: it is not installed" : false,
  }, async (context) => {
    const project = `loadline-test-${process.pid}`;
    const compose = (...args: readonly string[]): readonly string[] => [
      ...(COMPOSE ?? []).slice(1),
      ...["--file", COMPOSE_FILE, "--project-name", project],
      ...args,
    ];
    const environment = {
      LOADLINE_TOKEN: "correct-horse",
      LOADLINE_IMAGE: image,
      NATS_IMAGE: buildNatsImage(),
      MIN_AGENTS: "3",
      TIME_BUDGET: "12s",
    };
    const [program = ""] = COMPOSE ?? [];
    assert.match(succeed(program, compose("config"), { environment }), /simulate-server/);
    context.after(() => succeed(program, compose("down", "--volumes"), { environment }));
    const up = spawnSync(
      program,
      compose(
        "up",
        "--scale",
        "agent=3",
        "--abort-on-container-exit",
        "--exit-code-from",
        "coordinator",
      ),
      { env: { ...process.env, ...environment }, encoding: "utf8" },
    );
    // On a busy machine agents may judge themselves too late (4), or the budget may end first (5).
    assert.ok([0, 4, 5].includes(up.status ?? 1), `${up.stdout}\n${up.stderr}`);

    const folder = await temporaryFolder(context);
    const [coordinator = ""] = succeed(program, compose("ps", "--quiet", "coordinator"), {
      environment,
    }).split("\n");
    succeed("docker", ["cp", `${coordinator}:/work/runs/.`, folder]);
    const [run = ""] = readdirSync(folder);
    const result = JSON.parse(readFileSync(join(folder, run, "result.json"), "utf8")) as Result;
    assert.equal(result.agents.length, 3);
    assert.equal(result.target.url, "http://target:8000/v1");
    const answered = result.probes.reduce(
      (sum, { countsByOutcome }) => sum + countsByOutcome.ok,
      0,
    );
    assert.ok(answered > 0, up.stdout);
    assert.equal(up.status, result.exitCode);
  });
});

/** Compose as a plugin, or the program it was before; undefined where neither is. */
function composeCommand(): readonly string[] | undefined {
  return [["docker", "compose"], ["docker-compose"]].find(
    ([program = "", ...args]) => spawnSync(program, [...args, "version"]).status === 0,
  );
}

/** Inside the container: what this user could write to, what could start something, and what is of no use there. */
const LOOKS_AROUND = `
import { accessSync, constants, existsSync, readdirSync } from "node:fs";
const writable = ["/", "/app", "/app/dist/cli/loadline.js", "/usr/local/bin/node"].filter((path) => {
  try { accessSync(path, constants.W_OK); return true; } catch { return false; }
});
const tools = ["/bin/sh", "/usr/bin/env", "/usr/local/bin/npm", "/app/node_modules/typescript"].filter(existsSync);
const types = readdirSync("/app", { recursive: true }).filter((name) => /\\.d\\.ts$|\\.map$/.test(name)).length;
console.log(JSON.stringify({ writable, tools, types, uid: process.getuid() }));
`;
