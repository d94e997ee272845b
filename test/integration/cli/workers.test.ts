import assert from "node:assert/strict";
import { test, type TestContext } from "node:test";
import { startBroker } from "../../../coordinator/broker/server.ts";
import { natsFleetLink } from "../../../coordinator/link/nats-link.ts";
import type { Hello } from "../../../shared/control/control.ts";
import { connectNats } from "../../../shared/platform/nats.ts";
import { SystemClock } from "../../../shared/platform/system-clock.ts";
import { childrenOf, isAlive, startLoadline, until } from "../../support/cli.ts";

/** Everybody who says hello in a fleet, by id. */
async function fleetOf(
  context: TestContext,
): Promise<{ readonly url: string; readonly hellos: ReadonlyMap<string, Hello> }> {
  const broker = await startBroker({ token: "", clock: new SystemClock() });
  const connection = await connectNats({ servers: [broker.url], clientId: "test" });
  const link = natsFleetLink({ connection, fleet: "default" });
  context.after(async () => {
    await link.close();
    await connection.close();
    await broker.close();
  });
  const hellos = new Map<string, Hello>();
  link.onHello((hello) => hellos.set(hello.agentId, hello));
  return { url: broker.url, hellos };
}

test("two workers of an agent share its bounds, and end with it", async (context) => {
  const { url, hellos } = await fleetOf(context);
  const { child, pid, ended } = startLoadline(context, [
    ...["agent", "--nats", url, "--id", "node", "--workers", "2", "--allow", "gpu1:8000"],
    ...["--max-rate", "100", "--max-in-flight", "51", "--max-tokens", "7"],
  ]);
  await until("both have said hello", () => Promise.resolve(hellos.size === 2), 60_000);
  assert.deepEqual([...hellos.keys()].sort(), ["node-1", "node-2"]);
  for (const { policy, inFlightMax, floor, cleanRatePerSecond } of hellos.values()) {
    assert.deepEqual(
      [policy.targets, policy.ratePerSecondMax, policy.inFlightMax, policy.tokensMax],
      [["gpu1:8000"], 50, 25, 7],
    );
    assert.equal(inFlightMax, 25);
    assert.ok(floor !== undefined && cleanRatePerSecond > 0, "each has calibrated itself");
  }
  const workerPids = await childrenOf(pid);
  assert.equal(workerPids.length, 2);
  child.kill("SIGTERM");
  assert.equal((await ended).exitCode, 0);
  await until(
    "the workers are gone",
    async () => !(await Promise.all(workerPids.map(isAlive))).includes(true),
  );
});

test("a killed agent leaves no worker behind", async (context) => {
  const { url } = await fleetOf(context);
  const { child, pid } = startLoadline(context, [
    ...["agent", "--nats", url, "--id", "node", "--workers", "2"],
  ]);
  let workerPids: readonly number[] = [];
  await until("the workers are started", async () => {
    workerPids = await childrenOf(pid);
    return workerPids.length === 2;
  });
  child.kill("SIGKILL");
  await until(
    "the workers are gone",
    async () => !(await Promise.all(workerPids.map(isAlive))).includes(true),
  );
});

test("a flag that no agent takes is refused once, before a worker is started", async (context) => {
  const { ended } = startLoadline(context, [
    ...["agent", "--nats", "nats://127.0.0.1:1", "--workers", "2", "--max-rate", "none"],
  ]);
  const { exitCode, stderr } = await ended;
  assert.equal(exitCode, 2);
  assert.match(stderr, /--max-rate is none/);
  assert.match(stderr, /code: LL_FLAG_INVALID/);
});

test("a worker that ends by itself ends the agent", async (context) => {
  const { url } = await fleetOf(context);
  const { pid, ended } = startLoadline(context, [
    ...["agent", "--nats", url, "--id", "node", "--workers", "2"],
  ]);
  let workerPids: readonly number[] = [];
  await until("the workers are started", async () => {
    workerPids = await childrenOf(pid);
    return workerPids.length === 2;
  });
  process.kill(workerPids[0]!, "SIGKILL");
  const { exitCode, stderr } = await ended;
  assert.equal(exitCode, 1);
  assert.match(stderr, /code: LL_AGENT_WORKER_ENDED/);
});
