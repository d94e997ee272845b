import assert from "node:assert/strict";
import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { test } from "node:test";
import { createNkey } from "../../../shared/platform/nkey.ts";
import { loadline, startLoadline, temporaryFolder } from "../../support/cli.ts";
import { startFleet } from "../../support/fleet.ts";
import { real } from "../../support/nats-server.ts";

test("an agent takes no run of a coordinator whose signature its policy does not name", {
  skip: real.missing ?? false,
}, async (context) => {
  const folder = await temporaryFolder(context);
  const fleet = await startFleet(context, { agents: 1 });
  const policy = join(fleet.agent("agent-1"), "policy.yaml");
  const text = await readFile(policy, "utf8");
  await writeFile(policy, text.replace(/U[A-Z2-7]{55}/, createNkey().publicKey));
  startLoadline(context, ["agent", "--nats", fleet.nats, "--identity", fleet.agent("agent-1")]);

  const { exitCode, stderr } = await loadline(
    context,
    ...["run", "--nats", fleet.nats, "--identity", fleet.coordinator, "--out", join(folder, "run")],
    ...["--target", "http://127.0.0.1:9", "--model", "m", "--rate", "1"],
  );

  assert.match(stderr, /the run cannot start: agent-1: the command is signed by U/);
  assert.match(stderr, /code: LL_SIGNATURE_FOREIGN/);
  assert.equal(exitCode, 2, stderr);
});
