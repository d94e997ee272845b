import assert from "node:assert/strict";
import { test } from "node:test";
import type { MergedInterval } from "../../../coordinator/merge/segment-merge.ts";
import { unknownCountOf, verdictHolds } from "../../../coordinator/run/lost-requests.ts";
import { ZERO_ACTIVITY } from "../../../shared/measurement/interval.ts";
import type { Segment } from "../../../shared/segment/segment.ts";
import { parseSlo } from "../../../shared/slo/grammar.ts";
import { NO_COUNTERS } from "../../support/sample-report.ts";

const S = 1e9;

const SEGMENT: Segment = {
  number: 1,
  mode: { kind: "open", arrivals: { kind: "constant", ratePerSecond: 10 } },
  startAtNs: 0,
  recordFromNs: 1 * S,
  recordUntilNs: 5 * S,
  endByNs: 9 * S,
  requestsMax: 0,
  shares: ["a", "b"].map((agentId) => ({ agentId, capacity: 1 })),
};

test("unknown of a lost agent: what was open at its last report, and its arrivals since", () => {
  const lost = { segment: SEGMENT, untilNs: 5 * S, seed: 1, agentId: "b" };
  const counters = { ...NO_COUNTERS, scheduled: 12, fired: 12, ok: 9, timeouts: 1 };
  // 10/s over 4 s, half of them b's.
  assert.equal(unknownCountOf({ ...lost, counters }), 2 + (20 - 12));
  assert.equal(unknownCountOf({ ...lost, untilNs: 3 * S, counters: NO_COUNTERS }), 10);
  const closed: Segment = { ...SEGMENT, mode: { kind: "closed", streams: 4 } };
  assert.equal(unknownCountOf({ ...lost, segment: closed, counters }), 2, "no schedule, no hole");
});

function interval(over: number, total: number): MergedInterval {
  return {
    fromNs: 0,
    toNs: S,
    recorded: true,
    counters: { ...NO_COUNTERS, scheduled: 1_000, fired: 1_000, ok: 1_000 },
    clauses: [{ total, over: [0, 0, 0, 0, 0, 0, 0, over] }],
    exceedances: [],
    exceedancesCut: 0,
    activity: ZERO_ACTIVITY,
  };
}

test("a verdict holds when all unknown good and all unknown bad say the same", () => {
  const slo = parseSlo(["ttft p99 <= 200ms"]);
  // 1 % of 1,000 + unknown may be over.
  assert.equal(verdictHolds(slo, [interval(0, 1_000)], 10), true, "met, with all of them bad");
  assert.equal(verdictHolds(slo, [interval(0, 1_000)], 11), false);
  assert.equal(verdictHolds(slo, [interval(5, 1_000)], 10), false);
  assert.equal(verdictHolds(slo, [interval(40, 1_000)], 500), true, "violated, with all good");
  assert.equal(verdictHolds(slo, [interval(5, 1_000)], 0), true);
  assert.equal(verdictHolds([], [interval(5, 1_000)], 500), true, "nothing is judged");
  assert.equal(verdictHolds(slo, [], 5), false);
});

test("a lost request may have held as many bad gaps as the others had gaps", () => {
  const gap = { ...interval(0, 64_000), clauses: [{ total: 64_000, over: [0, 0, 0, 0] }] };
  const slo = parseSlo(["gap p99 <= 50ms"]);
  assert.equal(verdictHolds(slo, [gap], 10), true);
  assert.equal(verdictHolds(slo, [gap], 11), false, "704 of 64,704");
});
