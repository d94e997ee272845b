import assert from "node:assert/strict";
import { before, test } from "node:test";
import { parsePlan } from "../../coordinator/plan/parse.ts";
import type { RunEnd } from "../../coordinator/run/run-contract.ts";
import { runCluster } from "../support/sim-cluster.ts";
import { clusterOptions, resultOfEnd } from "../support/sim-run.ts";

const FLAGS = { target: "http://server.test", rate: "20,40,60", duration: "1s" };
const PLAIN_PLAN = parsePlan({ command: "run", flags: FLAGS });
/** No answer comes within 1 ms. */
const BROKEN_PLAN = parsePlan({ command: "run", flags: { ...FLAGS, slo: ["ttft p99 <= 1ms"] } });

let plain: RunEnd;
let broken: RunEnd;

before(async () => {
  plain = (await runCluster(3, clusterOptions(PLAIN_PLAN))).end;
  broken = (await runCluster(3, clusterOptions(BROKEN_PLAN))).end;
});

const INTERRUPTED = { decision: { kind: "interrupted" } } as const;

/** The first window is not to be believed. */
function invalid(end: RunEnd): Pick<RunEnd, "driven"> {
  const validity = { verdict: "invalid", reasons: ["agent agent-1 sent late"] } as const;
  return {
    driven: end.driven.map((each, place) => (place === 0 ? { ...each, validity } : each)),
  };
}

test("of the exit codes that hold the first of 130, 2, 3, 4, 99 and 5 wins", () => {
  const codeOf = (end: RunEnd, changes: Partial<RunEnd> = {}): number =>
    resultOfEnd(end === plain ? PLAIN_PLAN : BROKEN_PLAN, { ...end, ...changes }).exitCode;
  assert.equal(codeOf(plain), 0);
  assert.equal(codeOf(plain, INTERRUPTED), 130);
  assert.equal(codeOf(plain, invalid(plain)), 4);
  assert.equal(codeOf(broken), 99);
  assert.equal(codeOf(broken, invalid(broken)), 4, "nothing is known before the generator is");
  assert.equal(codeOf(broken, { ...INTERRUPTED, ...invalid(broken) }), 130);
  assert.equal(codeOf(plain, { decision: { kind: "agents-lost", reason: "all" } }), 4);
  assert.equal(codeOf(plain, { decision: { kind: "inconclusive", reason: "time" } }), 5);
  assert.equal(codeOf(broken, { decision: { kind: "inconclusive", reason: "time" } }), 99);
});
