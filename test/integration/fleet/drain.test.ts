import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { test } from "node:test";
import type { Result } from "../../../coordinator/show/result.ts";
import {
  logHas,
  startLoadline,
  startSimulator,
  temporaryFolder,
  until,
} from "../../support/cli.ts";
import { embedded } from "../../support/nats-server.ts";

test("a drained agent finishes its run, ends by itself, and takes no other run", async (context) => {
  const folder = await temporaryFolder(context);
  const target = await startSimulator(context, ["--slots", "64", "--service", "fixed:5ms"]);
  const broker = await embedded.start();
  context.after(() => broker.close());
  const start = (...args: string[]) =>
    startLoadline(context, [...args, "--nats", broker.url], { LOADLINE_TOKEN: broker.token });
  const agent = start("agent", "--id", "left");
  const directory = join(folder, "run");
  const run = start(
    ...["run", "--target", target.url, "--rate", "40", "--duration", "10s"],
    ...["--output-tokens", "2", "--out", directory],
  );
  await until("the load is on", () => logHas(directory, "segment"));

  const drained = await start("fleet", "drain", "left").ended;

  assert.equal(drained.exitCode, 0, drained.stderr);
  assert.match(drained.stdout, /^left: ends when run [0-9a-f]+ is over\n$/);
  const ended = await run.ended;
  const result = JSON.parse(await readFile(join(directory, "result.json"), "utf8")) as Result;
  const [probe] = result.probes;
  assert.ok(probe !== undefined, ended.stderr);
  assert.ok(probe.countsByOutcome.scheduled > 0);
  assert.equal(probe.countsByOutcome.ok, probe.countsByOutcome.scheduled);
  const { exitCode, stderr } = await agent.ended;
  assert.equal(exitCode, 0, stderr);
  const workers = start("agent", "--id", "pair", "--workers", "2");
  await until("both workers are there", async () => {
    const { stdout } = await start("fleet", "ls").ended;
    return /^pair-1 /m.test(stdout) && /^pair-2 /m.test(stdout);
  });
  assert.equal((await start("fleet", "drain", "pair-1", "pair-2").ended).exitCode, 0);
  assert.equal((await workers.ended).exitCode, 0, "workers that are drained are no failure");
  const none = await start("fleet", "drain", "right").ended;
  assert.equal(none.exitCode, 4);
  assert.match(none.stdout, /^right: .*nobody listens by that id\n$/);
});
