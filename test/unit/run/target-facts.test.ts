import assert from "node:assert/strict";
import { test } from "node:test";
import type { MergedInterval } from "../../../coordinator/merge/segment-merge.ts";
import { targetFactsOf, type TargetFactsInput } from "../../../coordinator/run/target-facts.ts";
import { ZERO_ACTIVITY } from "../../../shared/measurement/interval.ts";
import { NS_PER_SECOND } from "../../../shared/units.ts";
import { NO_COUNTERS } from "../../support/sample-report.ts";
import { each, logOf, replicasFrom, scraped, stretch } from "../server/scraped.ts";

/** A second of the run in which so many requests ended, one of them badly. */
function second(at: number, completed: number): MergedInterval {
  return {
    fromNs: at * NS_PER_SECOND,
    toNs: (at + 1) * NS_PER_SECOND,
    recorded: true,
    counters: NO_COUNTERS,
    clauses: [],
    exceedances: [],
    exceedancesCut: 0,
    activity: { ...ZERO_ACTIVITY, completed, completedOk: completed - 1 },
  };
}

function facts(changes: Partial<TargetFactsInput> = {}): ReturnType<typeof targetFactsOf> {
  return targetFactsOf({
    server: logOf([
      replicasFrom(0, 1),
      ...each(12).map((s) => scraped(s + 0.25, { completed: 10 * s })),
    ]),
    window: stretch(2, 10),
    intervals: each(12).map((s) => second(s, 10)),
    sealedUntilNs: 12 * NS_PER_SECOND,
    isAgentLost: false,
    ...changes,
  });
}

test("completions are compared between the first and the last scrape of the window", () => {
  // Scrapes at 2.25 … 9.25 s: 70 there. Ours: seconds 2 to 9 at most, 3 to 8 for sure.
  assert.deepEqual(facts(), {
    replicas: { min: 1, max: 1 },
    restarted: [],
    completions: { theirs: 70, oursMin: 54, oursMax: 80 },
  });
});

test("what the agents have not reported yet is not taken for somebody else's", () => {
  const { completions } = facts({ sealedUntilNs: 6 * NS_PER_SECOND });
  // Up to 5.5 s: the last scrape is at 5.25 s.
  assert.deepEqual(completions, { theirs: 30, oursMin: 18, oursMax: 40 });
  assert.equal(facts({ sealedUntilNs: 3 * NS_PER_SECOND }).completions, undefined);
});

test("nothing is compared where an agent was lost, or a replica does not count", () => {
  assert.equal(facts({ isAgentLost: true }).completions, undefined);
  const server = logOf([
    ...each(12).map((s) => scraped(s, { completed: 10 * s })),
    ...each(12).map((s) => scraped(s, { running: 1 }, "http://10.0.0.2/metrics")),
  ]);
  assert.equal(facts({ server }).completions, undefined);
});

test("a restart is told of the window in which its counters went back", () => {
  const server = logOf(each(12).map((s) => scraped(s, { completed: s < 5 ? 100 + s : s })));
  assert.deepEqual(facts({ server }).restarted, ["http://10.0.0.1:8000/metrics"]);
  assert.deepEqual(facts({ server, window: stretch(6, 10) }).restarted, []);
});
