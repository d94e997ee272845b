import assert from "node:assert/strict";
import { join } from "node:path";
import { test } from "node:test";
import { GenericContainer, Wait } from "testcontainers";
import type { Result } from "../../../coordinator/show/result.ts";
import {
  closedPort,
  openaiServer,
  startHttp,
  startLoadline,
  temporaryFolder,
} from "../../support/cli.ts";
import { buildNatsImage, whyNoDocker } from "../../support/docker.ts";

const TOKEN = "correct-horse";
const RATE = 40;
const DURATION_S = 2;

test("two agents and a run meet at a nats-server that testcontainers started", {
  skip: whyNoDocker() ?? false,
}, async (context) => {
  // Its reaper is an image of a registry; what is started here is stopped here.
  process.env["TESTCONTAINERS_RYUK_DISABLED"] = "true";
  // It has the host's network, so that an engine without a bridge will do; otherwise one would be asked for its address.
  process.env["TESTCONTAINERS_HOST_OVERRIDE"] = "127.0.0.1";
  const port = await closedPort();
  const container = await new GenericContainer(buildNatsImage())
    .withNetworkMode("host")
    .withCommand(["--addr", "127.0.0.1", "--port", String(port), "--auth", TOKEN])
    .withWaitStrategy(Wait.forLogMessage("Server is ready"))
    .start();
  context.after(() => container.stop());
  const url = await startHttp(context, openaiServer());
  const start = (...args: readonly string[]) =>
    startLoadline(context, [...args, "--nats", `nats://127.0.0.1:${port}`], {
      LOADLINE_TOKEN: TOKEN,
    });
  for (const id of ["left", "right"]) start("agent", "--id", id);

  const { exitCode, stdout, stderr } = await start(
    ...["run", "--target", url, "--rate", String(RATE), "--duration", `${DURATION_S}s`],
    ...["--min-agents", "2", "--output-tokens", "2", "--json"],
    ...["--out", join(await temporaryFolder(context), "run")],
  ).ended;

  assert.notEqual(stdout, "", stderr);
  const { agents, lost, probes, validity } = JSON.parse(stdout) as Result;
  assert.deepEqual(agents.map(({ id }) => id).sort(), ["left", "right"], stderr);
  assert.deepEqual(lost, { arrivalRanges: [], unknownCount: 0 });
  const { scheduled, ok } = probes[0]!.countsByOutcome;
  assert.ok(scheduled > 0.5 * RATE * DURATION_S, `${scheduled} arrivals`);
  assert.equal(ok, scheduled, stderr);
  // On a busy machine the agents may judge themselves too late: then, and only then, it ends with 4.
  assert.equal(exitCode, validity.verdict === "invalid" ? 4 : 0, stderr);
});
