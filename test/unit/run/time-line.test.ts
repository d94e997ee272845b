import assert from "node:assert/strict";
import { test } from "node:test";
import { RunMerge } from "../../../coordinator/merge/run-merge.ts";
import { Roster } from "../../../coordinator/fleet/roster.ts";
import type { DrivenSegment } from "../../../coordinator/run/run-contract.ts";
import { timeLineOf } from "../../../coordinator/run/time-line.ts";
import { NS_PER_SECOND } from "../../../shared/units.ts";

function driven(number: number, startS: number, endByS: number): DrivenSegment {
  const mode = { kind: "idle" } as const;
  return {
    request: { purpose: "drain", mode, settleS: 0, recordS: 1, requestsMax: 0 },
    segment: {
      number,
      mode,
      startAtNs: startS * NS_PER_SECOND,
      recordFromNs: startS * NS_PER_SECOND,
      recordUntilNs: endByS * NS_PER_SECOND,
      endByNs: endByS * NS_PER_SECOND,
      requestsMax: 0,
      shares: [],
    },
    windowHash: "",
    judged: undefined,
    judgedValidity: undefined,
    validity: { verdict: "valid", reasons: [] },
    incarnation: 1,
    isCutOff: number === 2,
  };
}

test("a segment ends where the next one took over, where its load did, or where the run did", () => {
  const line = timeLineOf({
    decision: { kind: "finished" },
    driven: [driven(1, 100, 140), driven(2, 110, 115), driven(3, 120, 160)],
    merge: new RunMerge("run-1"),
    roster: new Roster(),
    agentIds: [],
    sealedUntilNs: 130 * NS_PER_SECOND,
    durationS: 30,
    loadEndedAtNs: 130 * NS_PER_SECOND,
    resumptions: [],
  });
  assert.deepEqual(
    line.map(({ startS, endS, isCutOff }) => [startS, endS, isCutOff]),
    [
      [0, 10, false],
      [10, 15, true],
      [20, 30, false],
    ],
  );
});
