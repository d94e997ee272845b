import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { X509Certificate } from "node:crypto";
import { mkdtemp, readdir, readFile, rm, stat } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";
import { fileURLToPath } from "node:url";
import { nkeys } from "@nats-io/transport-node";
import { Command } from "commander";
import { operatorPolicy } from "../../../cli/agent-policy.ts";
import { addFleetCommand } from "../../../cli/fleet.ts";
import { LoadError } from "../../../shared/errors.ts";
import { readIdentity } from "../../../shared/platform/identity.ts";
import { natsServerExecutable, real } from "../../support/nats-server.ts";

const LOADLINE = fileURLToPath(new URL("../../../cli/loadline.ts", import.meta.url));

function init(args: readonly string[], env: Record<string, string> = {}) {
  return spawnSync(process.execPath, [LOADLINE, "fleet", "init", ...args], {
    encoding: "utf8",
    env: { ...process.env, ...env },
  });
}

describe("loadline fleet init", () => {
  let parent: string;
  let folder: string;
  before(async () => {
    parent = await mkdtemp(join(tmpdir(), "loadline-init-"));
    folder = join(parent, "gpu");
    const made = init([
      ...[folder, "--name", "gpu", "--agent", "left", "right", "--days", "30"],
      ...["--server", "nats-1.example", "10.0.0.7", "--allow", "10.0.0.0/8:8000"],
    ]);
    assert.equal(made.status, 0, made.stderr);
    assert.match(made.stdout, /"gpu": 2 agents, 2 nats-servers, certificates for 30 days/);
  });
  after(() => rm(parent, { recursive: true, force: true }));

  test("what is secret is its owner's alone, and nothing else is secret", async () => {
    const names = await readdir(folder, { recursive: true });
    const secret: string[] = [];
    for (const name of names) {
      const { mode } = await stat(join(folder, name));
      const isFolder = (mode & 0o170000) === 0o040000;
      if (isFolder) assert.equal(mode & 0o077, 0, name);
      else if ((mode & 0o077) === 0) secret.push(name);
    }
    assert.deepEqual(secret.sort(), [
      "agents/left/key.pem",
      "agents/left/nkey.seed",
      "agents/right/key.pem",
      "agents/right/nkey.seed",
      "authority/ca.key",
      "coordinator/key.pem",
      "coordinator/nkey.seed",
      "nats/nats-server.conf",
      "nats/server.key",
    ]);
    for (const name of names.filter((each) => !secret.includes(each))) {
      if (!/\.(pem|json|yaml)$/.test(name)) continue;
      assert.doesNotMatch(await readFile(join(folder, name), "utf8"), /PRIVATE KEY|^SU/m, name);
    }
  });

  test("each certificate is of its owner, signed by the fleet's authority, for its own use only", () => {
    const verify = (file: string, purpose: string): string =>
      spawnSync("openssl", ["verify", "-CAfile", "authority/ca.pem", "-purpose", purpose, file], {
        cwd: folder,
        encoding: "utf8",
      }).stdout;
    for (const id of ["left", "right"]) {
      const { certificatePem } = readIdentity(join(folder, "agents", id));
      assert.equal(new X509Certificate(certificatePem).subject, `CN=${id}`);
      assert.match(verify(`agents/${id}/certificate.pem`, "sslclient"), /OK/);
      assert.doesNotMatch(verify(`agents/${id}/certificate.pem`, "sslserver"), /OK/);
    }
    for (const file of ["nats/server.pem", "coordinator/certificate.pem"])
      assert.match(verify(file, "sslserver"), /OK/);
    const { certificatePem } = readIdentity(join(folder, "coordinator"));
    assert.match(
      new X509Certificate(certificatePem).subjectAltName ?? "",
      /DNS:nats-1.example, IP Address:10.0.0.7/,
    );
  });

  test("an identity says who it is, where its fleet is, and holds the key of that name", async () => {
    const identity = readIdentity(join(folder, "agents", "left"));
    assert.equal(identity.id, "left");
    assert.equal(identity.role, "agent");
    assert.equal(identity.fleet, "gpu");
    assert.deepEqual(identity.nats, ["tls://nats-1.example:4222", "tls://10.0.0.7:4222"]);
    const pair = nkeys.fromSeed(new TextEncoder().encode(identity.nkeySeed));
    const conf = await readFile(join(folder, "nats", "nats-server.conf"), "utf8");
    assert.match(conf, new RegExp(`agent left\\s+\\{\\s+nkey: ${pair.getPublicKey()}`));
  });

  test("an agent's policy allows what was said, and the coordinator's signature", () => {
    const policy = operatorPolicy(join(folder, "agents", "left", "policy.yaml"), {});
    const { nkeySeed } = readIdentity(join(folder, "coordinator"));
    const pair = nkeys.fromSeed(new TextEncoder().encode(nkeySeed));
    assert.deepEqual(policy, {
      targets: ["10.0.0.0/8:8000"],
      ratePerSecondMax: 100_000,
      inFlightMax: 20_000,
      durationNsMax: 86_400e9,
      tokensMax: 1_048_576,
      signers: [pair.getPublicKey()],
    });
  });

  test("nats-server takes the configuration", { skip: real.missing ?? false }, () => {
    const checked = spawnSync(natsServerExecutable, ["-t", "-c", "nats-server.conf"], {
      cwd: join(folder, "nats"),
      encoding: "utf8",
    });
    assert.equal(checked.status, 0, checked.stderr);
  });

  test("keys that are there are never overwritten", async () => {
    const before = await readFile(join(folder, "coordinator", "nkey.seed"), "utf8");
    const second = init([folder]);
    assert.equal(second.status, 2);
    assert.match(second.stderr, /code: LL_FLEET_EXISTS/);
    assert.equal(await readFile(join(folder, "coordinator", "nkey.seed"), "utf8"), before);
  });

  test("without openssl it says so, and leaves nothing behind", async () => {
    const failed = init([join(parent, "none")], { PATH: parent });
    assert.equal(failed.status, 2);
    assert.match(failed.stderr, /code: LL_OPENSSL_MISSING/);
    assert.deepEqual(await readdir(parent), ["gpu"]);
  });

  test("what cannot be a name, a host, a target or a number is refused", async () => {
    const other = join(parent, "other");
    for (const [args, code] of [
      [["--name", "a.b"], "LL_FLAG_INVALID"],
      [["--agent", "a", "a"], "LL_FLAG_INVALID"],
      [["--agent", "coordinator"], "LL_FLAG_INVALID"],
      [["--agent", "a\nb"], "LL_FLAG_INVALID"],
      [["--server", "a b"], "LL_FLAG_INVALID"],
      [["--agents", "0"], "LL_FLAG_INVALID"],
      [["--days", "1.5"], "LL_FLAG_INVALID"],
      [["--allow", "nowhere"], "LL_POLICY_PATTERN_INVALID"],
    ] as const) {
      const program = new Command().exitOverride();
      addFleetCommand(program);
      await assert.rejects(
        program.parseAsync(["fleet", "init", other, ...args], { from: "user" }),
        (error) => error instanceof LoadError && error.code === code && error.exitCode === 2,
        args.join(" "),
      );
    }
  });
});

test("a folder that is no identity is refused by name", () => {
  assert.throws(
    () => readIdentity("/nowhere"),
    (error) =>
      error instanceof LoadError &&
      error.code === "LL_IDENTITY_UNREADABLE" &&
      error.message.includes("certificate.pem cannot be read"),
  );
});
