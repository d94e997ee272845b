import assert from "node:assert/strict";
import { test } from "node:test";
import { fixedProcedure } from "../../coordinator/search/fixed-list.ts";
import type { Validity } from "../../coordinator/validity/validity.ts";
import { FleetArrivals } from "../../shared/arrivals/striped.ts";
import { parseSlo } from "../../shared/slo/grammar.ts";
import { NS_PER_MS, NS_PER_SECOND } from "../../shared/units.ts";
import { type ClusterEnd, type Faults, runCluster, SERVICE_NS } from "../support/sim-cluster.ts";

const S = NS_PER_SECOND;
const RATE = 50;

/** One window over two agents, with records; what goes wrong is on the virtual clock, which starts at 10 s. */
async function drive(
  load: { readonly durationS: number },
  faults: Faults,
): Promise<ClusterEnd & { readonly validity: Validity }> {
  const slo = parseSlo(["ttft p99 <= 100ms"]);
  const lengths = { kind: "fixed", tokens: 1 } as const;
  const cluster = await runCluster(
    5,
    {
      agentsMin: 2,
      gatherNs: 15 * S,
      onAgentLoss: "continue",
      workload: {
        classes: [{ name: "default", weight: 1, promptTokens: lengths, outputTokens: lengths }],
      },
      slo,
      admit: () => ({
        procedure: fixedProcedure({
          segments: [
            {
              purpose: "measure",
              mode: { kind: "open", ratePerSecond: RATE },
              settleS: 0,
              recordS: load.durationS,
              requestsMax: 0,
            },
          ],
          slo,
          thresholds: [],
        }),
        inFlightMax: 10_000,
      }),
      arrivalsOf: (ratePerSecond) => ({ kind: "poisson", ratePerSecond }),
      drainMaxS: 5,
      lastDrainMaxS: 5,
      keepRecords: true,
      intervalNs: 1 * S,
      armLeadNs: 0.3 * S,
    },
    undefined,
    faults,
  );
  return { ...cluster, validity: cluster.end.driven[0]!.validity };
}

test("without a fault everything is tested, and nothing is found", async () => {
  const { validity } = await drive({ durationS: 20 }, {});
  assert.deepEqual(validity, { verdict: "valid", reasons: [] });
});

test("a stall of 300 ms of one agent is named", async () => {
  const { validity } = await drive(
    { durationS: 10 },
    { agentStall: { agentId: "agent-2", fromNs: 14 * S, untilNs: 14.3 * S } },
  );
  assert.equal(validity.verdict, "invalid");
  assert.deepEqual(validity.agentIds, ["agent-2"]);
  assert.match(
    validity.reasons.join("\n"),
    /agent agent-2 sent late: send delay p99 \d{2,3}\.\d ms/,
  );
  assert.match(validity.reasons.join("\n"), /agent agent-2's event loop was late/);
});

test("the same stall of the server leaves it valid", async () => {
  const { validity, end } = await drive(
    { durationS: 10 },
    { serverStall: { fromNs: 14 * S, untilNs: 14.3 * S } },
  );
  assert.equal(validity.verdict, "valid", validity.reasons.join("; "));
  const ttft = end.merge.segment(1).classes.get("default")!.get("ttft")!;
  assert.ok(ttft.max > 250 * NS_PER_MS);
});

for (const stepNs of [300 * NS_PER_MS, -300 * NS_PER_MS]) {
  test(`a clock that steps by ${stepNs / NS_PER_MS} ms is named`, async () => {
    const { validity } = await drive(
      { durationS: 10 },
      { clockStep: { agentId: "agent-1", atNs: 14 * S, stepNs } },
    );
    assert.notEqual(validity.verdict, "valid");
    assert.match(
      validity.reasons.join("\n"),
      /agent agent-1: its clock moved by (29\d|300)\.\d ms during the run \(bound 5 ms\)/,
    );
  });
}

/**
 * What each request must have waited for its first token, from the plan alone: half the service time, and for those in
 * the stop its end. @param startedNs the segment's start on the virtual clock.
 */
function truthOf(
  { end }: ClusterEnd,
  { startedNs, stop }: { startedNs: number; stop: { fromNs: number; untilNs: number } },
): number[] {
  const arrivals = new FleetArrivals({ segment: end.driven[0]!.segment, seed: 5 });
  const waits: number[] = [];
  while (arrivals.next()) {
    const intendedNs = startedNs + arrivals.offsetNs;
    const answeredNs = intendedNs + SERVICE_NS / 2;
    const isStopped = answeredNs >= stop.fromNs && answeredNs < stop.untilNs;
    waits.push((isStopped ? stop.untilNs : answeredNs) - intendedNs);
  }
  return waits.sort((a, b) => a - b);
}

test("a 2 s stop of the server shows in full in p99 and maximum, counted from the intended instants", async () => {
  const stop = { fromNs: 20 * S, untilNs: 22 * S };
  const cluster = await drive({ durationS: 30 }, { serverStall: stop });
  const { end, runZeroNs, validity } = cluster;
  const truth = truthOf(cluster, { startedNs: runZeroNs + end.driven[0]!.segment.startAtNs, stop });
  const ttft = end.merge.segment(1).classes.get("default")!.get("ttft")!;
  const near = (seen: number, wanted: number): void => {
    assert.ok(Math.abs(seen / wanted - 1) < 0.01, `${seen} ns, not ${wanted}`);
  };
  assert.equal(ttft.count, truth.length);
  assert.ok(ttft.count > 1_300);
  near(ttft.max, truth.at(-1)!);
  near(ttft.quantile(0.99), truth[Math.ceil(0.99 * truth.length) - 1]!);
  assert.ok(ttft.max > 1.9 * S);
  assert.equal(validity.verdict, "valid", validity.reasons.join("; "));
});
