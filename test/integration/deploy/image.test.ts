import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import { buildLoadlineImage, succeed, whyNoDocker } from "../../support/docker.ts";

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

test("the image runs as any user, with a root that is read-only, and holds no tool", {
  skip: whyNoDocker() ?? false,
}, () => {
  const image = buildLoadlineImage();
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
