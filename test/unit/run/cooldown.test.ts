import assert from "node:assert/strict";
import { test } from "node:test";
import { observe } from "../../../coordinator/merge/observation.ts";
import { RunMerge } from "../../../coordinator/merge/run-merge.ts";
import { parsePlan } from "../../../coordinator/plan/parse.ts";
import { arrivalsAt } from "../../../coordinator/plan/plan.ts";
import { procedureOf } from "../../../coordinator/run/procedure-of.ts";
import { segmentOf } from "../../../coordinator/run/segment-of.ts";
import type { SegmentRequest } from "../../../coordinator/search/procedure.ts";
import type { Segment } from "../../../shared/segment/segment.ts";
import { NS_PER_SECOND } from "../../../shared/units.ts";

const START_NS = 5 * NS_PER_SECOND;

function firstOf(flags: Readonly<Record<string, string>>): {
  readonly request: SegmentRequest;
  readonly segment: Segment;
  readonly decisionAt: (sealedUntilNs: number) => string;
} {
  const plan = parsePlan({ command: "run", flags: { target: "http://localhost:1", ...flags } });
  const procedure = procedureOf(plan, []);
  const { decision, state } = procedure.begin();
  assert.ok(decision.kind === "next");
  const { request } = decision;
  const segment = segmentOf({
    request,
    number: 1,
    seed: 1,
    startAtNs: START_NS,
    shares: [{ agentId: "a", capacity: 1 }],
    arrivalsOf: (ratePerSecond, durationS) =>
      arrivalsAt({ kind: "constant" }, { ratePerSecond, durationS }),
  });
  return {
    request,
    segment,
    decisionAt: (sealedUntilNs) => {
      const observation = observe({
        request,
        segment,
        merge: new RunMerge("r").segment(1),
        thresholdCounts: [],
        sealedUntilNs,
        firstStartAtNs: START_NS,
        validity: "valid",
      });
      return procedure.advance(state, { ...observation, previous: undefined }).decision.kind;
    },
  };
}

test("a cool-down goes on with the load behind the window, and the window is over behind it", () => {
  const { segment, decisionAt } = firstOf({ rate: "10", duration: "4s", cooldown: "3s" });
  assert.equal(segment.recordUntilNs, START_NS + 4 * NS_PER_SECOND);
  assert.equal(segment.endByNs, START_NS + 7 * NS_PER_SECOND);
  assert.equal(decisionAt(segment.recordUntilNs), "go-on");
  assert.equal(decisionAt(segment.endByNs), "finished");
});

test("without a cool-down the load ends with the window", () => {
  const { segment, decisionAt } = firstOf({ rate: "10", duration: "4s" });
  assert.equal(segment.endByNs, segment.recordUntilNs);
  assert.equal(decisionAt(segment.recordUntilNs - 1), "go-on");
  assert.equal(decisionAt(segment.recordUntilNs), "finished");
});

test("a count of requests bounds the window, and not the cool-down behind it", () => {
  const flags = { rate: "10", requests: "20" };
  const counted = firstOf(flags).segment;
  const held = firstOf({ ...flags, cooldown: "3s" });
  assert.equal(counted.requestsMax, 20);
  assert.equal(held.segment.requestsMax, 0);
  assert.equal(held.segment.recordUntilNs, counted.recordUntilNs);
  assert.equal(held.segment.endByNs, counted.recordUntilNs + 3 * NS_PER_SECOND);
  assert.equal(held.decisionAt(held.segment.recordUntilNs), "go-on");
  assert.equal(held.decisionAt(held.segment.endByNs), "finished");
});
