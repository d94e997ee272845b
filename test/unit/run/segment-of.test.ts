import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { type SegmentOptions, segmentOf } from "../../../coordinator/run/segment-of.ts";
import type { SegmentRequest } from "../../../coordinator/search/procedure.ts";
import { FleetArrivals } from "../../../shared/arrivals/striped.ts";
import { segmentProblems } from "../../../shared/segment/problems.ts";
import type { Segment } from "../../../shared/segment/segment.ts";
import { NS_PER_SECOND, NS_PER_US } from "../../../shared/units.ts";

const S = NS_PER_SECOND;
const SHARES = [
  { agentId: "a", capacity: 1 },
  { agentId: "b", capacity: 1 },
];

function build(request: Partial<SegmentRequest>, changes: Partial<SegmentOptions> = {}): Segment {
  const segment = segmentOf({
    request: {
      purpose: "probe",
      mode: { kind: "open", ratePerSecond: 50 },
      settleS: 2,
      recordS: 10,
      requestsMax: 0,
      ...request,
    },
    number: 3,
    seed: 11,
    startAtNs: 5 * S,
    shares: SHARES,
    arrivalsOf: (ratePerSecond) => ({ kind: "poisson", ratePerSecond }),
    ...changes,
  });
  assert.deepEqual(segmentProblems(segment), []);
  return segment;
}

/** How many arrivals of the fleet lie before, in and after the recorded window. */
function countsOf(segment: Segment, seed: number): [number, number, number] {
  const counts: [number, number, number] = [0, 0, 0];
  const arrivals = new FleetArrivals({ segment, seed });
  while (arrivals.next()) {
    const atNs = segment.startAtNs + arrivals.offsetNs;
    if (atNs < segment.recordFromNs) counts[0] += 1;
    else if (atNs < segment.recordUntilNs) counts[1] += 1;
    else counts[2] += 1;
  }
  return counts;
}

test("the window follows the settling time, and a probe's load goes on behind it", () => {
  const { startAtNs, recordFromNs, recordUntilNs, endByNs, shares, number } = build({});
  assert.deepEqual([startAtNs, recordFromNs, recordUntilNs], [5 * S, 7 * S, 17 * S]);
  assert.ok(endByNs >= recordUntilNs + 10 * S, "long enough to make up one's mind");
  assert.deepEqual(shares, SHARES);
  assert.equal(number, 3);
});

test("a measured window ends its load", () => {
  const { recordUntilNs, endByNs } = build({ purpose: "measure" });
  assert.equal(endByNs, recordUntilNs);
});

test("instants are whole ns, whatever the clock says", () => {
  const { startAtNs } = build({ settleS: 0.1, recordS: 0.3 }, { startAtNs: 5 * S + 0.4 });
  assert.equal(startAtNs, 5 * S);
});

test("a window of N requests records exactly N, and sends none after them", () => {
  fc.assert(
    fc.property(
      fc.nat(1e6),
      fc.integer({ min: 1, max: 400 }),
      fc.constantFrom(0, 0.5, 3),
      (seed, requestsMax, settleS) => {
        const segment = build({ purpose: "measure", requestsMax, settleS }, { seed });
        const [settling, recorded, after] = countsOf(segment, seed);
        assert.deepEqual([recorded, after], [requestsMax, 0]);
        assert.equal(segment.requestsMax, settling + requestsMax);
      },
    ),
    { numRuns: 60 },
  );
});

test("a window of N requests ends right behind the last of them", () => {
  // 50 a second from 5 s on, so the first of the window is at 7 s, and the tenth at 7.18 s.
  const segment = build(
    { purpose: "measure", requestsMax: 10 },
    { arrivalsOf: (ratePerSecond) => ({ kind: "constant", ratePerSecond }) },
  );
  assert.equal(segment.recordUntilNs, 7.18 * S + NS_PER_US);
});

test("the arrivals are the plan's, at the rate asked for, over settling and window", () => {
  const asked: number[][] = [];
  const { mode } = build(
    {},
    {
      arrivalsOf: (ratePerSecond, durationS) => {
        asked.push([ratePerSecond, durationS]);
        return { kind: "gamma", ratePerSecond, coefficientOfVariation: 2 };
      },
    },
  );
  assert.deepEqual(asked, [[50, 12]]);
  assert.deepEqual(mode, {
    kind: "open",
    arrivals: { kind: "gamma", ratePerSecond: 50, coefficientOfVariation: 2 },
  });
});

test("modes without a schedule go by time, and a serial one names its agent", () => {
  const closed = build({ mode: { kind: "closed", streams: 4 }, requestsMax: 100 });
  assert.deepEqual(closed.mode, { kind: "closed", streams: 4 });
  assert.deepEqual([closed.requestsMax, closed.recordUntilNs], [100, 17 * S]);
  assert.deepEqual(build({ mode: { kind: "serial" } }).mode, { kind: "serial", agentId: "a" });
});
