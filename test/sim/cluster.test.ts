import assert from "node:assert/strict";
import { test } from "node:test";
import type { DrivenSegment } from "../../coordinator/run/run-contract.ts";
import type { Procedure, SegmentRequest } from "../../coordinator/search/procedure.ts";
import { FleetArrivals } from "../../shared/arrivals/striped.ts";
import { zeroCounters } from "../../shared/measurement/counters.ts";
import { parseSlo } from "../../shared/slo/grammar.ts";
import { NS_PER_MS } from "../../shared/units.ts";
import { type ClusterEnd, LATE_MAX_NS, runCluster } from "../support/sim-cluster.ts";
import { ROUGH_WEATHER } from "../support/sim-network.ts";

const AGENTS = 5;
const SEGMENTS = 20;
const SEEDS = [1, 20, 300];

interface State {
  readonly asked: number;
}

/** Rates up and down. The last ends by itself, so that its end is known to the nanosecond as well. */
function requestOf(number: number, last: number): SegmentRequest {
  return {
    purpose: number === last ? "measure" : "probe",
    mode: { kind: "open", ratePerSecond: 200 + 150 * (number % 5) },
    settleS: 0.1,
    recordS: 0.4,
    requestsMax: 0,
  };
}

/** So many segments one after the other, each as long as its window. */
const oneAfterTheOther = (segments: number): Procedure<State> => ({
  begin: () => ({
    state: { asked: 1 },
    decision: { kind: "next", request: requestOf(1, segments) },
    judged: undefined,
  }),
  advance: ({ asked }, { recordedS, request, segment }) => {
    if (recordedS < request.recordS - 1e-9)
      return { state: { asked }, decision: { kind: "go-on" }, judged: undefined };
    const judged = { segment, verdict: "met", reason: "its window is over" } as const;
    if (asked === segments) return { state: { asked }, decision: { kind: "finished" }, judged };
    const next = { kind: "next", request: requestOf(asked + 1, segments) } as const;
    return { state: { asked: asked + 1 }, decision: next, judged };
  },
});

function drive(seed: number, segments: number): Promise<ClusterEnd> {
  return runCluster(seed, {
    agentsMin: AGENTS,
    gatherNs: 15_000 * NS_PER_MS,
    onAgentLoss: "continue",
    workload: {
      classes: [
        {
          name: "default",
          weight: 1,
          promptTokens: { kind: "fixed", tokens: 1 },
          outputTokens: { kind: "fixed", tokens: 1 },
        },
      ],
    },
    slo: parseSlo(["ttft p99 <= 100ms", "error_rate <= 1%"]),
    admit: () => ({ procedure: oneAfterTheOther(segments), inFlightMax: 10_000 }),
    arrivalsOf: (ratePerSecond) => ({ kind: "poisson", ratePerSecond }),
    drainMaxS: 5,
    lastDrainMaxS: 5,
    keepRecords: false,
    intervalNs: 100 * NS_PER_MS,
    armLeadNs: 30 * NS_PER_MS,
  });
}

/** What one agent alone would fire in a segment, up to the next one's start; each with the agent whose turn it is. */
function scheduleOf({ segment }: DrivenSegment, nextStartNs: number, seed: number): string[] {
  const arrivals = new FleetArrivals({ segment, seed });
  const schedule: string[] = [];
  while (arrivals.next() && segment.startAtNs + arrivals.offsetNs < nextStartNs) {
    const agentId = segment.shares[arrivals.place]!.agentId;
    schedule.push(nameOf(arrivals.index, segment.startAtNs + arrivals.offsetNs, agentId));
  }
  return schedule;
}

function nameOf(index: number, intendedAtNs: number, agentId: string): string {
  return `arrival ${index} at ${intendedAtNs} by ${agentId}`;
}

function assertSchedule({ end, served, runZeroNs }: ClusterEnd, seed: number): void {
  const { driven } = end;
  driven.forEach((each, place) => {
    const { number, shares } = each.segment;
    const nextStartNs = driven[place + 1]?.segment.startAtNs ?? Infinity;
    assert.equal(shares.length, AGENTS);
    const schedule = scheduleOf(each, nextStartNs, seed);
    const fired = served
      .filter(({ segment }) => segment === number)
      .map(({ index, intendedAtNs, agentId }) => nameOf(index, intendedAtNs, agentId));
    const once = new Set(fired);
    const wanted = new Set(schedule);
    assert.deepEqual(
      [...once].filter((name) => !wanted.has(name)),
      [],
      `overlap, segment ${number}`,
    );
    assert.deepEqual(
      schedule.filter((name) => !once.has(name)),
      [],
      `gap, segment ${number}`,
    );
    assert.equal(fired.length, once.size, `fired twice in segment ${number}`);
  });
  // Half the widest round trip is the most that an agent's clock may be mistaken by.
  const boundNs = ROUGH_WEATHER.delayMaxNs + LATE_MAX_NS;
  for (const { arrivedAtNs, intendedAtNs } of served) {
    const offByNs = arrivedAtNs - runZeroNs - intendedAtNs;
    assert.ok(Math.abs(offByNs) <= boundNs, `sent ${offByNs} ns from its instant`);
  }
}

function assertBooks({ end, served }: ClusterEnd): void {
  const { driven, merge, agentIds } = end;
  for (const { segment } of driven) {
    const all = served.filter(({ segment: number }) => number === segment.number);
    const fired = all.length;
    const sums = merge.segment(segment.number);
    assert.deepEqual(sums.counters, { ...zeroCounters(), scheduled: fired, fired, ok: fired });
    const recorded = all.filter(
      ({ intendedAtNs }) =>
        intendedAtNs >= segment.recordFromNs && intendedAtNs < segment.recordUntilNs,
    );
    assert.equal(sums.classes.get("default")?.get("e2e")?.count, recorded.length);
    for (const agentId of agentIds)
      assert.equal(
        sums.agents.get(agentId)?.counters.ok ?? 0,
        recorded.filter((each) => each.agentId === agentId).length,
      );
  }
  for (const agentId of agentIds) {
    const { totals, open } = merge.totalsOf(agentId);
    assert.equal(totals.ok, served.filter((each) => each.agentId === agentId).length);
    assert.equal(open, 0);
  }
}

function assertRoughness({ network, stored, callsLeft }: ClusterEnd): void {
  const { duplicates, overtaken, breaks, refusals } = network.seen;
  assert.ok(duplicates > 50 && overtaken > 10 && breaks > 5, JSON.stringify(network.seen));
  assert.equal(refusals, 0);
  const keys = stored.map(({ agentId, sequence }) => `${agentId}/${sequence}`);
  assert.equal(new Set(keys).size, keys.length, "no report is written twice");
  assert.equal(callsLeft, 0, "nobody waits for anything any more");
}

for (const seed of SEEDS) {
  test(`5 agents over a rough network fire 20 segments as one agent would, seed ${seed}`, async (t) => {
    const cluster = await drive(seed, SEGMENTS);
    const { end, served } = cluster;
    t.diagnostic(
      `seed ${seed}: ${served.length} requests, ${JSON.stringify(cluster.network.seen)}`,
    );
    assert.deepEqual(end.decision, { kind: "finished" });
    assert.equal(end.driven.length, SEGMENTS);
    assertSchedule(cluster, seed);
    assertBooks(cluster);
    assert.deepEqual(end.merge.problems, []);
    for (const { validity } of end.driven)
      assert.deepEqual(validity, { verdict: "valid", reasons: [] });
    assertRoughness(cluster);
    assert.ok(end.durationS >= 0.5 * SEGMENTS, `${end.durationS} s`);
  });
}

test("the same seed replays the same run, to the nanosecond", async () => {
  const [one, other] = [await drive(7, 3), await drive(7, 3)];
  assert.deepEqual(one.served, other.served);
});
