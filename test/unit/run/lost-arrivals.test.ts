import assert from "node:assert/strict";
import { test } from "node:test";
import { Roster } from "../../../coordinator/fleet/roster.ts";
import { RunMerge } from "../../../coordinator/merge/run-merge.ts";
import { lostOf } from "../../../coordinator/run/lost-arrivals.ts";
import type { DrivenSegment, RunEnd } from "../../../coordinator/run/run-contract.ts";
import type { LostView } from "../../../coordinator/show/result.ts";
import { FleetArrivals } from "../../../shared/arrivals/striped.ts";
import type { IntervalReport } from "../../../shared/measurement/report.ts";
import type { Segment, SegmentMode } from "../../../shared/segment/segment.ts";
import { reportsOf } from "../../support/sample-report.ts";

const S = 1e9;
const SEED = 1;

/** From 0 to 4 s, shared by agents "a" and "b". */
function segmentOf(mode: SegmentMode): Segment {
  return {
    number: 1,
    mode,
    startAtNs: 0,
    recordFromNs: 0,
    recordUntilNs: 4 * S,
    endByNs: 4 * S,
    requestsMax: 0,
    shares: ["a", "b"].map((agentId) => ({ agentId, capacity: 1 })),
  };
}

const OPEN = segmentOf({ kind: "open", arrivals: { kind: "constant", ratePerSecond: 4 } });

function lostIn(segment: Segment, reports: readonly IntervalReport[]): LostView {
  const merge = new RunMerge("run-1");
  for (const report of reports) merge.take(report);
  const end = {
    decision: { kind: "finished" },
    driven: [{ segment } as DrivenSegment],
    ...{ merge, roster: new Roster(), agentIds: ["a", "b"] },
    ...{ sealedUntilNs: 4 * S, loadEndedAtNs: 4 * S, durationS: 4, resumptions: [] },
  } satisfies RunEnd;
  return lostOf(end, SEED);
}

/** Indexes of agent "b", by the second in which they are intended. */
function ownedIn(fromS: number, untilS: number): readonly number[] {
  const arrivals = new FleetArrivals({ segment: OPEN, seed: SEED });
  const owned: number[] = [];
  while (arrivals.next())
    if (arrivals.place === 1 && arrivals.offsetNs >= fromS * S && arrivals.offsetNs < untilS * S)
      owned.push(arrivals.index);
  return owned;
}

const WHOLE = [1, 2, 3, 4];

test("where every agent reported its part, nothing is lost", () => {
  const reports = [...reportsOf("a", WHOLE), ...reportsOf("b", WHOLE)];
  assert.deepEqual(lostIn(OPEN, reports), { arrivalRanges: [], unknownCount: 0 });
});

test("arrivals of a stretch that no report tells of may have been offered, and their outcome is unknown", () => {
  const reports = [...reportsOf("a", WHOLE), ...reportsOf("b", [1, 2])];
  const owned = ownedIn(2, 4);
  assert.ok(owned.length > 2);
  assert.deepEqual(lostIn(OPEN, reports), {
    arrivalRanges: [
      {
        ...{ segment: 1, agentId: "b", from: owned[0], to: owned.at(-1)! + 1 },
        ...{ count: owned.length, offered: "unknown" },
      },
    ],
    unknownCount: owned.length,
  });
});

test("arrivals that an agent held back were not offered, and are no unknown outcomes", () => {
  const owned = ownedIn(1, 2);
  const heldBack = [{ segment: 1, from: owned[0]!, to: owned.at(-1)! + 1, count: owned.length }];
  const [first, ...rest] = reportsOf("b", WHOLE);
  const reports = [...reportsOf("a", WHOLE), first!, { ...rest[0]!, heldBack }, ...rest.slice(1)];
  const { arrivalRanges, unknownCount } = lostIn(OPEN, reports);
  assert.deepEqual(
    arrivalRanges.map(({ from, count, offered }) => [from, count, offered]),
    [[owned[0], owned.length, "no"]],
  );
  assert.equal(unknownCount, 0);
});

test("an agent that was there and fired another segment did not offer its part", () => {
  const elsewhere = reportsOf("b", WHOLE, { firingSegment: 7, deltas: [] });
  const { arrivalRanges, unknownCount } = lostIn(OPEN, [...reportsOf("a", WHOLE), ...elsewhere]);
  assert.deepEqual(
    arrivalRanges.map(({ count, offered }) => [count, offered]),
    [[ownedIn(0, 4).length, "no"]],
  );
  assert.equal(unknownCount, 0);
});

test("a mode without a schedule has no arrivals to name: the stretch is named", () => {
  const closed = segmentOf({ kind: "closed", streams: 4 });
  const reports = [...reportsOf("a", WHOLE), ...reportsOf("b", [1, 2, 4])];
  assert.deepEqual(lostIn(closed, reports), {
    arrivalRanges: [],
    silentStretches: [{ segment: 1, agentId: "b", fromS: 2, untilS: 3 }],
    unknownCount: 0,
  });
});
