import assert from "node:assert/strict";
import { test } from "node:test";
import type { TargetFacts } from "../../../coordinator/validity/facts.ts";
import { judgeGenerator, type Validity, worseOf } from "../../../coordinator/validity/validity.ts";

const GOOD: TargetFacts = {
  replicas: { min: 2, max: 2 },
  restarted: [],
  completions: { theirs: 410, oursMin: 380, oursMax: 400 },
};

/** No agent has anything to say: what is found is the target's. */
function judge(
  target: Partial<TargetFacts> | undefined,
  problems: readonly string[] = [],
): Validity {
  return judgeGenerator({
    agents: [],
    intendedLimitNs: undefined,
    gapLimitNs: undefined,
    itlLimitNs: undefined,
    problems,
    backlogGrew: true,
    verdictHolds: true,
    records: undefined,
    target: target === undefined ? undefined : { ...GOOD, ...target },
  });
}

test("a target that stays as it is and serves us alone is no matter", () => {
  assert.equal(judge(undefined).verdict, "valid");
  assert.equal(judge({}).verdict, "valid");
  assert.equal(judge({ replicas: undefined, completions: undefined }).verdict, "valid");
  // A health check's few requests, and 5 %.
  assert.equal(judge({ completions: { theirs: 425, oursMin: 0, oursMax: 400 } }).verdict, "valid");
  // Fewer than ours: another replica served them.
  assert.equal(judge({ completions: { theirs: 10, oursMin: 380, oursMax: 400 } }).verdict, "valid");
});

test("replicas that came or went make the window invalid, and no agent is at fault", () => {
  const { verdict, reasons, isOfTarget, agentIds } = judge({ replicas: { min: 1, max: 2 } });
  assert.deepEqual([verdict, isOfTarget, agentIds], ["invalid", true, undefined]);
  assert.match(reasons.join(), /had 1 to 2 replicas within the window/);
});

test("requests of others make the window invalid, with both counts", () => {
  const { verdict, reasons, isOfTarget } = judge({
    completions: { theirs: 426, oursMin: 0, oursMax: 400 },
  });
  assert.deepEqual([verdict, isOfTarget], ["invalid", true]);
  assert.match(reasons.join(), /completed 426 .* at most 400 of them were ours .*measure it alone/);
});

test("a restart makes the window suspect", () => {
  const { verdict, reasons } = judge({ restarted: ["http://10.0.0.1/metrics"] });
  assert.equal(verdict, "suspect");
  assert.match(reasons.join(), /counters at http:\/\/10\.0\.0\.1\/metrics started again/);
});

test("where the generator is at fault too, it is not said to be the target's", () => {
  const both = judge({ replicas: { min: 1, max: 2 } }, ["a report is missing"]);
  assert.deepEqual([both.verdict, both.isOfTarget], ["invalid", undefined]);
  const [target, generator] = [
    judge({ replicas: { min: 1, max: 2 } }),
    judge({}, ["a report is missing"]),
  ];
  assert.equal(worseOf(target, generator).isOfTarget, undefined);
  assert.equal(worseOf(target, judge({})).isOfTarget, true);
  assert.equal(worseOf(target, target).isOfTarget, true);
  assert.equal(worseOf(judge({}), judge({})).isOfTarget, undefined);
});
