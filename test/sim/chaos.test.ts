import assert from "node:assert/strict";
import { test } from "node:test";
import { RunMerge } from "../../coordinator/merge/run-merge.ts";
import { chaosProblems } from "../support/chaos/oracle.ts";
import { type ChaosOptions, runChaos } from "../support/chaos/run.ts";

const SIZE = { agents: 10, durationS: 60, requestsPerSecond: 8 } as const;
/** About 30 s of CPU; `npm run chaos` runs thousands, and larger ones. */
const SEEDS = 100;
/** Each of these found a fault that the first hundred do not. */
const FINDERS = [344, 732, 786, 908, 1088];

test("whatever happens, what a run tells equals the server's log, or names what is missing", async (t) => {
  const sums = { served: 0, lossy: 0, resumed: 0 };
  const seeds = Array.from({ length: SEEDS }, (_, place) => place + 1);
  for (const seed of [...seeds, ...FINDERS]) {
    const options = { ...SIZE, seed };
    const chaos = await runChaos(options);
    const problems = await chaosProblems(chaos, seed);
    assert.deepEqual(problems, [], `seed ${seed}`);
    sums.served += chaos.served.length;
    sums.lossy += chaos.seen.losses > 0 ? 1 : 0;
    sums.resumed += chaos.end?.resumptions.length ?? 0;
  }
  t.diagnostic(JSON.stringify(sums));
  assert.ok(sums.served > 50 * SEEDS && sums.lossy > 0.3 * SEEDS && sums.resumed > 0.2 * SEEDS);
});

/** Seeds whose coordinator is killed while reports come. */
const PLANTED_SEEDS = Array.from({ length: 12 }, (_, place) => place + 1);

async function firstCaught(bug: Partial<ChaosOptions>): Promise<string | undefined> {
  for (const seed of PLANTED_SEEDS) {
    const options = { ...SIZE, seed, ...bug };
    const [problem] = await chaosProblems(await runChaos(options), seed);
    if (problem !== undefined) return problem;
  }
  return undefined;
}

test("a coordinator that acknowledges a report before it has written it is caught", async (t) => {
  const problem = await firstCaught({ acknowledgesFirst: true });
  t.diagnostic(problem ?? "");
  assert.match(
    problem ?? "none",
    /LL_REPLAY_INCOMPLETE|reports \d+ to \d+ are missing|lost with agent-\d+/,
  );
});

test("a merge that counts a report again that came twice is caught", async (t) => {
  t.mock.method(RunMerge.prototype, "check", () => "new");
  const problem = await firstCaught({});
  t.diagnostic(problem ?? "");
  assert.match(problem ?? "none", /requests are in the books|missing/);
});
