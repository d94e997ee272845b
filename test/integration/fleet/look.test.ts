import assert from "node:assert/strict";
import { chmod } from "node:fs/promises";
import { join } from "node:path";
import { test } from "node:test";
import { loadline, startLoadline, until } from "../../support/cli.ts";
import { startFleet } from "../../support/fleet.ts";
import { embedded, real } from "../../support/nats-server.ts";

interface Listed {
  readonly id: string;
  readonly clockErrorBoundMs: number | null;
  readonly runId: string | null;
  readonly policy: { readonly targets: readonly string[]; readonly requestsPerSecondMax: number };
}

test("fleet ls tells who is there, and fleet doctor who is not", {
  skip: real.missing ?? false,
}, async (context) => {
  const init = ["--allow", "10.0.0.0/8:8000"];
  const fleet = await startFleet(context, { agents: 2, init });
  const address = ["--nats", fleet.nats, "--identity", fleet.coordinator];
  const empty = await loadline(context, "fleet", "doctor", ...address);
  assert.equal(empty.exitCode, 4, empty.stderr);
  assert.match(empty.stdout, /^wrong: no agent says hello in the fleet "default"$/m);

  const agent = ["agent", "--nats", fleet.nats, "--identity", fleet.agent("agent-1")];
  startLoadline(context, [...agent, "--max-rate", "77"]);
  let listed: readonly Listed[] = [];
  await until("the agent is there", async () => {
    const { stdout } = await loadline(context, "fleet", "ls", "--json", ...address);
    listed = JSON.parse(stdout) as readonly Listed[];
    return listed.length > 0;
  });
  const [first] = listed;
  assert.ok(first !== undefined && listed.length === 1);
  assert.equal(first.id, "agent-1");
  assert.equal(first.runId, null);
  assert.deepEqual(first.policy.targets, ["10.0.0.0/8:8000"]);
  assert.equal(first.policy.requestsPerSecondMax, 77);
  assert.ok(first.clockErrorBoundMs !== null && first.clockErrorBoundMs > 0);

  await chmod(join(fleet.coordinator, "nkey.seed"), 0o644);
  const [table, doctor] = await Promise.all([
    loadline(context, "fleet", "ls", ...address),
    loadline(context, "fleet", "doctor", ...address),
  ]);
  assert.match(table.stdout, /^agent-1 .* free .* 77 +10\.0\.0\.0\/8:8000$/m);
  assert.equal(doctor.exitCode, 4, doctor.stderr);
  assert.match(doctor.stdout, /^The fleet "default": 1 agents, 1 free, 0 busy\.$/m);
  assert.match(doctor.stdout, /^wrong: made for this fleet, but not there: agent-2$/m);
  assert.match(doctor.stdout, /^warning: others than their owner may read .*nkey\.seed$/m);
});

test("a fleet that shares a token can be looked at too", async (context) => {
  const broker = await embedded.start();
  context.after(() => broker.close());
  const { exitCode, stdout, stderr } = await startLoadline(
    context,
    ["fleet", "ls", "--nats", broker.url],
    { LOADLINE_TOKEN: broker.token },
  ).ended;
  assert.equal(exitCode, 0, stderr);
  assert.match(stdout, /^agent +host +version/);
});
