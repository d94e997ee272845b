import assert from "node:assert/strict";
import { test } from "node:test";
import type { Arrivals } from "../../../shared/arrivals/arrivals.ts";
import { isScheduled, segmentProblems } from "../../../shared/segment/problems.ts";
import type { Segment, SegmentMode } from "../../../shared/segment/segment.ts";

const good: Segment = {
  number: 1,
  mode: { kind: "open", arrivals: { kind: "poisson", ratePerSecond: 10 } },
  startAtNs: 0,
  recordFromNs: 1e9,
  recordUntilNs: 2e9,
  endByNs: 3e9,
  requestsMax: 0,
  shares: [
    { agentId: "a", capacity: 2 },
    { agentId: "b", capacity: 0 },
  ],
};

const open = (arrivals: Arrivals): Segment => ({ ...good, mode: { kind: "open", arrivals } });
const inMode = (mode: SegmentMode): Segment => ({ ...good, mode });

test("a good segment has no problem, in any mode", () => {
  const segments = [
    good,
    { ...good, recordFromNs: 2e9 },
    inMode({ kind: "serial", agentId: "b" }),
    inMode({ kind: "closed", streams: 1 }),
    inMode({ kind: "backlog", waitingMax: 16 }),
    { ...inMode({ kind: "idle" }), shares: [] },
    open({ kind: "constant", ratePerSecond: 0.01 }),
    open({ kind: "gamma", ratePerSecond: 5, coefficientOfVariation: 3 }),
    open({ kind: "ramp", fromRatePerSecond: 0, toRatePerSecond: 5, durationNs: 1e9 }),
    open({ kind: "ramp", fromRatePerSecond: 5, toRatePerSecond: 0, durationNs: 1e9 }),
  ];
  for (const segment of segments) assert.deepEqual(segmentProblems(segment), []);
});

const bad: readonly (readonly [string, Segment, RegExp])[] = [
  ["number 0", { ...good, number: 0 }, /number must be a whole number from 1, not 0/],
  ["half a number", { ...good, number: 1.5 }, /number/],
  ["requestsMax below 0", { ...good, requestsMax: -1 }, /requestsMax/],
  ["an instant that is no number", { ...good, recordFromNs: NaN }, /instants must be whole ns/],
  ["an instant below 0", { ...good, startAtNs: -1 }, /instants must be whole ns/],
  ["a record before the start", { ...good, startAtNs: 1.5e9 }, /must be ordered/],
  ["a record that ends first", { ...good, recordUntilNs: 0.5e9 }, /must be ordered/],
  ["a record past the end", { ...good, recordUntilNs: 3.1e9 }, /must be ordered/],
  ["rate 0", open({ kind: "constant", ratePerSecond: 0 }), /above 0 .* not 0/],
  ["rate NaN", open({ kind: "poisson", ratePerSecond: NaN }), /not NaN/],
  ["endless rate", open({ kind: "poisson", ratePerSecond: Infinity }), /not Infinity/],
  ["rate too high", open({ kind: "poisson", ratePerSecond: 1e6 + 1 }), /at most 1000000/],
  [
    "no variation",
    open({ kind: "gamma", ratePerSecond: 1, coefficientOfVariation: 0 }),
    /coefficient of variation must be from 0.001 to 100, not 0/,
  ],
  [
    "a ramp from 0 to 0",
    open({ kind: "ramp", fromRatePerSecond: 0, toRatePerSecond: 0, durationNs: 1 }),
    /start or end above 0/,
  ],
  [
    "a ramp from below 0",
    open({ kind: "ramp", fromRatePerSecond: -1, toRatePerSecond: 1, durationNs: 1 }),
    /not -1/,
  ],
  [
    "a ramp of no length",
    open({ kind: "ramp", fromRatePerSecond: 1, toRatePerSecond: 1, durationNs: 0 }),
    /duration must be above 0 ns/,
  ],
  ["no stream", inMode({ kind: "closed", streams: 0 }), /streams .* from 1, not 0/],
  ["no backlog", inMode({ kind: "backlog", waitingMax: 0.5 }), /waitingMax .* not 0.5/],
  ["a stranger", inMode({ kind: "serial", agentId: "z" }), /"z" has none/],
  ["no share", { ...good, shares: [] }, /at least one agent's share/],
  ["shares of nothing", { ...good, shares: [{ agentId: "a", capacity: 0 }] }, /more than 0/],
  [
    "half a capacity",
    { ...good, shares: [{ agentId: "a", capacity: 0.5 }] },
    /capacity of agent "a" must be whole, at least 0, not 0.5/,
  ],
  [
    "an agent twice",
    { ...good, shares: [...good.shares, { agentId: "a", capacity: 1 }] },
    /"a" must have one share/,
  ],
  [
    "shares too fine",
    {
      ...good,
      shares: [
        { agentId: "a", capacity: 65_536 },
        { agentId: "b", capacity: 1 },
      ],
    },
    /at most 65536 places, not 65537/,
  ],
];

for (const [name, segment, message] of bad) {
  test(`a segment with ${name} has exactly that problem`, () => {
    const problems = segmentProblems(segment);
    assert.equal(problems.length, 1, problems.join("; "));
    assert.match(problems[0]!, message);
  });
}

test("a segment that ends as it starts has that problem", () => {
  const problems = segmentProblems({
    ...good,
    startAtNs: 1,
    recordFromNs: 1,
    recordUntilNs: 1,
    endByNs: 1,
  });
  assert.equal(problems.length, 1);
  assert.match(problems[0]!, /must end after it starts/);
});

test("every problem is named at once", () => {
  const problems = segmentProblems({
    ...open({ kind: "gamma", ratePerSecond: -1, coefficientOfVariation: -1 }),
    number: 0,
    recordFromNs: 9e9,
    shares: [],
  });
  assert.equal(problems.length, 5, problems.join("; "));
});

test("only the open mode is scheduled", () => {
  assert.equal(isScheduled(good.mode), true);
  assert.equal(isScheduled({ kind: "closed", streams: 1 }), false);
});
