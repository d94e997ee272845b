import assert from "node:assert/strict";
import { test } from "node:test";
import { Roster } from "../../../coordinator/fleet/roster.ts";
import { RunMerge } from "../../../coordinator/merge/run-merge.ts";
import type { MergedInterval } from "../../../coordinator/merge/segment-merge.ts";
import type { DrivenSegment } from "../../../coordinator/run/run-contract.ts";
import {
  backlogGrew,
  windowFactsOf,
  type WindowFactsInput,
} from "../../../coordinator/run/window-facts.ts";
import type { AgentFacts, WindowFacts } from "../../../coordinator/validity/facts.ts";
import type { Hello } from "../../../shared/control/control.ts";
import { ZERO_ACTIVITY } from "../../../shared/measurement/interval.ts";
import type { IntervalReport } from "../../../shared/measurement/report.ts";
import { parseSlo } from "../../../shared/slo/grammar.ts";
import { NO_COUNTERS, reportsOf } from "../../support/sample-report.ts";

const S = 1e9;

/** A second in which `dropped` arrivals found the bound of 100 reached and `waiting` of the others no first token. */
function second(dropped: number, waiting: number): MergedInterval {
  return {
    fromNs: 0,
    toNs: 1e9,
    recorded: true,
    counters: { ...NO_COUNTERS, droppedInFlightBound: dropped },
    clauses: [],
    exceedances: [],
    exceedancesCut: 0,
    activity: {
      ...ZERO_ACTIVITY,
      waitingEnd: waiting,
      waitingIntegralS: waiting,
      inFlightIntegralS: 100,
    },
  };
}

test("drops with a backlog are the server's overload, without one the bound is too low", () => {
  const cases: readonly (readonly [string, readonly MergedInterval[], boolean])[] = [
    ["no drops", [second(0, 3), second(0, 3)], true],
    ["a server that stands still", [second(0, 3), second(0, 60), second(40, 100)], true],
    ["a backlog from before", [second(40, 80), second(40, 80)], true],
    ["a backlog behind many streams", [second(0, 3), second(0, 10), second(9, 30)], true],
    ["long streams and prompt first tokens", [second(0, 3), second(9, 4), second(9, 3)], false],
    ["from the first second on", [second(9, 4), second(9, 4)], false],
  ];
  for (const [name, intervals, grew] of cases) assert.equal(backlogGrew(intervals), grew, name);
});

/** From 0 to 4 s, two arrivals a second, shared by agents "a" and "b". */
const DRIVEN = {
  request: { purpose: "measure" },
  segment: {
    number: 1,
    mode: { kind: "open", arrivals: { kind: "constant", ratePerSecond: 2 } },
    startAtNs: 0,
    recordFromNs: 0,
    recordUntilNs: 4 * S,
    endByNs: 4 * S,
    requestsMax: 0,
    shares: ["a", "b"].map((agentId) => ({ agentId, capacity: 1 })),
  },
} as unknown as DrivenSegment;

const WHOLE = [1, 2, 3, 4];

function rosterOf(): Roster {
  const roster = new Roster();
  const floor = { gapErrorP99Ns: 11, itlErrorP99Ns: 12 };
  for (const agentId of ["a", "b"]) {
    roster.hear({ agentId, epoch: 1, floor } as Hello, 100 * S);
    roster.probed(agentId, { aheadNs: 5, errorBoundNs: 7 });
  }
  return roster;
}

function factsOf(
  reports: readonly IntervalReport[],
  changes: Partial<WindowFactsInput> = {},
): WindowFacts & { readonly of: (agentId: string) => AgentFacts } {
  const merge = new RunMerge("run-1");
  for (const report of reports) merge.take(report);
  const facts = windowFactsOf({
    driven: DRIVEN,
    untilNs: 4 * S,
    merge,
    roster: rosterOf(),
    slo: parseSlo(["error_rate <= 1%"]),
    seed: 1,
    runZeroNs: 100 * S,
    active: ["a", "b"],
    records: undefined,
    ...changes,
  });
  return { ...facts, of: (agentId) => facts.agents.find((each) => each.agentId === agentId)! };
}

test("of an agent whose reports are all there nothing is missing, and its own errors are known", () => {
  const facts = factsOf([...reportsOf("a", WHOLE), ...reportsOf("b", WHOLE)]);
  for (const agentId of ["a", "b"]) {
    const { missingNs, lost, switched, silenceNs } = facts.of(agentId);
    assert.deepEqual([missingNs, lost, switched, silenceNs], [0, undefined, true, 0]);
    const { gapErrorP99Ns, itlErrorP99Ns, clockErrorBoundNs, clockMovedNs } = facts.of(agentId);
    assert.deepEqual(
      [gapErrorP99Ns, itlErrorP99Ns, clockErrorBoundNs, clockMovedNs],
      [11, 12, 7, 0],
    );
  }
});

test("what an agent's reports leave out is missing of that agent", () => {
  const facts = factsOf([...reportsOf("a", WHOLE), ...reportsOf("b", [1, 2, 4])]);
  assert.deepEqual([facts.of("a").missingNs, facts.of("b").missingNs], [0, S]);
});

test("an agent whose reports tell of another segment did not switch", () => {
  const other = reportsOf("b", WHOLE, { firingSegment: 7, deltas: [] });
  const facts = factsOf([...reportsOf("a", WHOLE), ...other]);
  assert.deepEqual([facts.of("a").switched, facts.of("b").switched], [true, false]);
  const unsure = factsOf(reportsOf("a", WHOLE));
  assert.equal(unsure.of("b").switched, true, "nothing is heard of it yet");
});

test("of a lost agent what it had open and what it never reported is unknown", () => {
  const reports = [...reportsOf("a", WHOLE), ...reportsOf("b", [1, 2])];
  const { of } = factsOf(reports, { active: ["a"] });
  // It owns every other one of the eight.
  assert.deepEqual(of("b").lost, { unknownCount: 2 });
  assert.deepEqual([of("b").missingNs, of("b").switched, of("a").lost], [0, true, undefined]);
  const late = factsOf(reports, {
    active: ["a"],
    driven: { ...DRIVEN, segment: { ...DRIVEN.segment, recordFromNs: 1 * S } },
  });
  assert.deepEqual(late.of("b").lost, { unknownCount: 1 }, "not those before the window");
});

test("whether the verdict hangs on unknown requests is asked of a measurement, and a search repeats", () => {
  const reports = [...reportsOf("a", WHOLE), ...reportsOf("b", [1, 2])];
  const heldBy = (slo: string, purpose = "measure"): boolean =>
    factsOf(reports, {
      active: ["a"],
      slo: parseSlo([slo]),
      driven: { ...DRIVEN, request: { ...DRIVEN.request, purpose } as DrivenSegment["request"] },
    }).verdictHolds;
  // Of the six that were seen each was bad.
  assert.equal(heldBy("error_rate <= 1%"), true, "violated, whatever became of the two");
  assert.equal(heldBy("error_rate <= 1%", "probe"), false);
});

test("a silence counts for the window that it reaches into", () => {
  const roster = rosterOf();
  roster.alive("b", 101 * S);
  roster.alive("b", 103.5 * S);
  roster.alive("a", 101 * S);
  const reports = [...reportsOf("a", WHOLE), ...reportsOf("b", WHOLE)];
  const { of } = factsOf(reports, { roster });
  assert.deepEqual([of("a").silenceNs, of("b").silenceNs], [1 * S, 2.5 * S]);
});
