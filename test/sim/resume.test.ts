import assert from "node:assert/strict";
import { test } from "node:test";
import type { Plan } from "../../coordinator/plan/plan.ts";
import { concludeRun } from "../../coordinator/run/conclude.ts";
import type { RunEnd } from "../../coordinator/run/run-contract.ts";
import { renderJson } from "../../coordinator/show/json.ts";
import type { Result } from "../../coordinator/show/result.ts";
import { type JournalEntry, type LeftRun, runCluster } from "../support/sim-cluster.ts";
import {
  clusterOptions,
  FIND_PLAN,
  LIST_PLAN,
  replayOf,
  resultOfEnd,
  SWEEP_PLAN,
} from "../support/sim-run.ts";

const SEED = 11;

/** Goes on from what was written before the coordinator was killed; returns all that is written in the end. */
async function resumeFrom(
  plan: Plan,
  left: readonly JournalEntry[],
  agents: Pick<LeftRun<unknown>, "epoch"> = {},
): Promise<{ readonly end: RunEnd; readonly journal: readonly JournalEntry[] }> {
  const ledger = await replayOf(plan, left);
  const journal = [...left];
  if (ledger.decided !== undefined) {
    const appendLog = (entry: object): Promise<void> => {
      journal.push({ kind: "line", text: JSON.stringify(entry) });
      return Promise.resolve();
    };
    const { decided: decision } = ledger;
    return { end: await concludeRun(ledger, { decision, store: { appendLog } }), journal };
  }
  const cluster = await runCluster(SEED, clusterOptions(plan), {
    ...{ ledger, incarnation: 2 },
    ...agents,
  });
  return { end: cluster.end, journal: [...journal, ...cluster.journal] };
}

/** Everything that was written before each line of the log, the whole log at last. */
function killedAtEachLine(journal: readonly JournalEntry[]): readonly (readonly JournalEntry[])[] {
  const places = journal.flatMap(({ kind }, place) => (kind === "line" ? [place] : []));
  return [...places, journal.length].map((place) => journal.slice(0, place));
}

function assertAnswered(plan: Plan, result: Result, whole: Result): void {
  assert.deepEqual(result.outcome, whole.outcome);
  assert.equal(result.exitCode, whole.exitCode);
  assert.deepEqual(result.validity, { verdict: "valid", reasons: [] });
  if (plan === FIND_PLAN) {
    assert.equal(result.maxRate?.requestsPerSecond, 60);
    assert.equal(result.maxRate.limitedBy, "max-rate");
    return;
  }
  assert.deepEqual(
    result.probes.map((probe) => [probe.requestsPerSecond, probe.verdict]),
    whole.probes.map((probe) => [probe.requestsPerSecond, probe.verdict]),
  );
  for (const { countsByOutcome: counts } of result.probes) {
    assert.ok(counts.scheduled > 5);
    assert.equal(counts.ok, counts.scheduled);
  }
}

for (const [name, plan] of [
  ["a search", FIND_PLAN],
  ["a list of rates", LIST_PLAN],
  ["a sweep", SWEEP_PLAN],
] as const) {
  test(`the log and the reports of ${name} give back its result, byte for byte`, async () => {
    const { end, journal } = await runCluster(SEED, clusterOptions(plan));
    const replayed = await replayOf(plan, journal);
    assert.equal(renderJson(resultOfEnd(plan, replayed.end())), renderJson(resultOfEnd(plan, end)));
  });
}

for (const [name, plan] of [
  ["a search", FIND_PLAN],
  ["a list of rates", LIST_PLAN],
] as const) {
  test(`${name} whose coordinator is killed at any record of its log goes on to the same answer`, async (t) => {
    const { end, journal } = await runCluster(SEED, clusterOptions(plan));
    const whole = resultOfEnd(plan, end);
    const kills = killedAtEachLine(journal);
    t.diagnostic(`${kills.length} kills`);
    for (const [line, left] of kills.entries()) {
      const before = resultOfEnd(plan, (await replayOf(plan, left)).end());
      const resumed = await resumeFrom(plan, left);
      const result = resultOfEnd(plan, resumed.end);
      assertAnswered(plan, result, whole);
      // What was decided before stays as it was, and what is written makes the result.
      const decided = judgedOf(before);
      assert.deepEqual(judgedOf(result).slice(0, decided.length), decided);
      const again = await replayOf(plan, resumed.journal);
      assert.equal(
        renderJson(resultOfEnd(plan, again.end())),
        renderJson(result),
        `killed before line ${line + 1}`,
      );
    }
  });
}

test("a run goes on with agents whose wall clock was set back before they were started anew", async () => {
  const { end, journal } = await runCluster(SEED, clusterOptions(LIST_PLAN));
  const whole = resultOfEnd(LIST_PLAN, end);
  const kills = killedAtEachLine(journal);
  const reported = kills.filter((left) => left.some(({ kind }) => kind === "report"));
  const left = reported[Math.floor(reported.length / 2)];
  assert.ok(left !== undefined);
  const resumed = await resumeFrom(LIST_PLAN, left, { epoch: 1 });
  assertAnswered(LIST_PLAN, resultOfEnd(LIST_PLAN, resumed.end), whole);
});

function judgedOf({ probes }: Result): readonly unknown[] {
  return probes
    .filter(({ verdict }) => verdict !== null)
    .map(({ segment, verdict, reason, requestsPerSecond }) => [
      segment,
      verdict,
      reason,
      requestsPerSecond,
    ]);
}
