import assert from "node:assert/strict";
import { test } from "node:test";
import type { MergedInterval } from "../../../coordinator/merge/segment-merge.ts";
import { backlogGrew } from "../../../coordinator/run/window-facts.ts";
import { ZERO_ACTIVITY } from "../../../shared/measurement/interval.ts";
import { NO_COUNTERS } from "../../support/sample-report.ts";

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
