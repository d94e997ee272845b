import assert from "node:assert/strict";
import { test } from "node:test";
import { calibrate } from "../../../coordinator/calibrate/calibration.ts";
import { StageTally } from "../../../coordinator/calibrate/stage-tally.ts";
import { type Verified, verifiedOf } from "../../../coordinator/calibrate/verified.ts";
import type { RecordedRequest } from "../../../coordinator/rescore/levels.ts";
import { renderDocumentText } from "../../../coordinator/show/document-text.ts";
import type { Result } from "../../../coordinator/show/result.ts";
import { verifiedDocument } from "../../../coordinator/show/verified.ts";
import { parseSlo } from "../../../shared/slo/grammar.ts";
import { counts } from "../../golden/show/results.ts";
import { BATCH_64, resultOfServer } from "../../support/measured-server.ts";

const S = 1e9;
const SLO = parseSlo(["ttft p90 <= 500ms"]);
const START_S = 3;
const RAMP = { fromPerSecond: 5, toPerSecond: 25, durationS: 100 };
const PLAN = { plannedPerSecond: 10, minReplicas: 1, maxReplicas: 4 };
const SERVER = resultOfServer(BATCH_64);
const CALIBRATION = calibrate(SERVER, {
  growthPerSecond: 0.01,
  delay: {
    ...{ startupS: 10, provisioningS: 0, scrapeS: 0, pollS: 0, periodS: 0, stabilisationS: 0 },
  },
});

function request(atS: number, ttftMs: number, index: number): RecordedRequest {
  return {
    ...{ index, segment: 1, intendedMs: atS * 1e3, sendDelayMs: 0, ttftMs, maxGapMs: 1 },
    ...{ e2eMs: ttftMs, durationMs: ttftMs, outputTokens: 4, outcome: "ok", class: "default" },
  };
}

function tallyOf(requests: readonly RecordedRequest[], stageCount: number): StageTally {
  const mode = { kind: "open", ratePerSecond: 15 } as const;
  const segment = {
    ...{ number: 1, startAtNs: START_S * S, recordFromNs: START_S * S, requestsMax: 0, shares: [] },
    recordUntilNs: (START_S + RAMP.durationS) * S,
    endByNs: (START_S + RAMP.durationS) * S,
    mode: { kind: "open", arrivals: { kind: "poisson", ratePerSecond: 15 } },
  } as const;
  const tally = new StageTally(
    SLO,
    {
      segment,
      request: { purpose: "measure", mode, settleS: 0, recordS: 100, requestsMax: 0 },
      untilNs: segment.recordUntilNs,
    },
    stageCount,
  );
  for (const each of requests) tally.add(each);
  return tally;
}

/** 1,000 requests; those of the last quarter are `lateMs` late. */
function verifiedWith(
  changes: {
    readonly lateMs?: number;
    readonly replicasAt?: (atS: number) => number;
    readonly fired?: number;
    readonly dropped?: number;
    readonly requestCount?: number;
    readonly toPerSecond?: number;
    readonly maxReplicas?: number;
    /** Replicas by their addresses: no gateway tells how many there are. */
    readonly byAddress?: true;
    /** Before the ramp, while a scraper comes to know the fleet. */
    readonly replicasBefore?: number;
  } = {},
): Verified {
  const { requestCount = 1_000, toPerSecond = 25, maxReplicas = 4 } = changes;
  const { lateMs = 100, replicasAt = (atS) => (atS < 35 ? 1 : atS < 90 ? 2 : 3) } = changes;
  const requests = Array.from({ length: requestCount }, (_, k) =>
    request(START_S + k / 10, k < 750 ? 100 : lateMs, k),
  );
  const tally = tallyOf(requests, 4);
  const [probe] = SERVER.probes;
  assert.ok(probe !== undefined);
  const result: Result = {
    ...SERVER,
    probes: [
      {
        ...probe,
        countsByOutcome: counts({
          fired: changes.fired ?? requestCount,
          dropped_in_flight_bound: changes.dropped ?? 0,
        }),
      },
    ],
  };
  return verifiedOf({
    ...{ loadline: "0.0.0", calibrated: "runs/a", calibration: CALIBRATION },
    plan: { ...PLAN, maxReplicas },
    ...{
      ramp: { ...RAMP, toPerSecond },
      result,
      slo: SLO,
      ...tally.counted(),
    },
    fleet: {
      tellsReplicas: changes.byAddress !== true,
      replicaCounts: () =>
        [
          { atNs: 1 * S, value: changes.replicasBefore ?? 0 },
          ...Array.from({ length: 101 }, (_, atS) => ({
            atNs: (START_S + atS) * S,
            value: replicasAt(atS),
          })),
        ].filter(({ value }) => value > 0),
    },
  });
}

test("a fleet that held its SLO, in time and as large as planned, passes", () => {
  const verified = verifiedWith();
  assert.equal(verified.verdict, "met");
  assert.equal(verified.attainment, 1);
  // 11 requests/s are reached after 30 s, 22 after 85.
  assert.deepEqual(
    verified.shortages.map(({ fromS, lagS }) => [Math.round(fromS), Math.round(lagS)]),
    [
      [30, 5],
      [85, 5],
    ],
  );
  assert.deepEqual(
    verified.stages.map(({ requests, averageReplicas, requestsPerSecond }) => [
      requests,
      averageReplicas,
      requestsPerSecond,
    ]),
    [
      [250, 1, 7.5],
      [250, 1.6, 12.5],
      [250, 2, 17.5],
      [250, 2.4, 22.5],
    ],
  );
  assert.equal(verified.averageReplicas, 1.75);
  assert.equal(verified.score, 1.75);
  assert.equal(verified.replicaHours, 0.048611);
  assert.match(
    renderDocumentText(verifiedDocument(verified), { color: false }),
    /100 % within the SLO on 1\.75 replicas on average, where 1\.85 were planned: PASS\./,
  );
});

test("a quarter of late requests fails a p90, and the stage they were in shows them", () => {
  const verified = verifiedWith({ lateMs: 900 });
  assert.equal(verified.verdict, "violated");
  assert.equal(verified.exitCode, 99);
  assert.deepEqual(
    verified.stages.map(({ attainment }) => attainment),
    [1, 1, 1, 0],
  );
  const [clause] = verified.clauses;
  assert.deepEqual([clause?.overCount, clause?.total, clause?.limitFraction], [250, 1_000, 0.1]);
});

test("requests without a record count both ways, and dropped ones are bad", () => {
  assert.equal(verifiedWith({ fired: 1_200 }).verdict, "undecided");
  assert.equal(verifiedWith({ dropped: 200 }).verdict, "violated");
});

test("a replica later than D fails, and so does a fleet that never shrinks", () => {
  const late = verifiedWith({ replicasAt: (atS) => (atS < 50 ? 1 : 3) });
  assert.match(late.reasons.join(), /missing for 20 s; the calibration assumed 10 s/);
  const large = verifiedWith({ replicasAt: () => 4 });
  assert.match(large.reasons.join(), /4\.0 replicas on average; planned were 1\.8/);
});

test("what was not seen is inconclusive, with its reason", () => {
  const cases: readonly (readonly [RegExp, Parameters<typeof verifiedWith>[0]])[] = [
    [/too few requests/, { requestCount: 60 }],
    [/seen in 0 % of the ramp/, { replicasAt: () => 0 }],
    [/never asked for another/, { replicasAt: () => 2, maxReplicas: 2 }],
    // The third replica is asked for 6 s before the end, and D is 10 s.
    [/ended 6 s into a shortage/, { replicasAt: () => 2, toPerSecond: 23 }],
  ];
  for (const [reason, changes] of cases) {
    const { verdict, exitCode, reasons } = verifiedWith(changes);
    assert.deepEqual([verdict, exitCode], ["undecided", 5], reasons.join());
    assert.equal(reasons.length, 1, reasons.join());
    assert.match(reasons.join(), reason);
  }
});

test("how many a scraper first came to know says nothing of the fleet", () => {
  // All that the ramp asks for are there from its start on.
  const changes = { replicasAt: () => 2, maxReplicas: 2 } as const;
  const { reasons } = verifiedWith({ ...changes, replicasBefore: 1 });
  assert.match(reasons.join(), /never asked for another/);
});

test("a replica that is found by its name may be seen as much later as names are looked up", () => {
  // It is asked for after 30 s and seen after 46; D is 10 s, and names are looked up each 5 s.
  const replicasAt = (atS: number): number => (atS < 46 ? 1 : atS < 90 ? 2 : 3);
  assert.equal(verifiedWith({ replicasAt }).verdict, "violated");
  assert.equal(verifiedWith({ replicasAt, byAddress: true }).verdict, "met");
  const later = (atS: number): number => (atS < 48 ? 1 : atS < 90 ? 2 : 3);
  assert.equal(verifiedWith({ replicasAt: later, byAddress: true }).verdict, "violated");
});

test("a shortage counts only while replicas are looked at: a scraper that fell silent breaks no promise", () => {
  // The second replica is asked for after 30 s, and D is 10 s.
  const silentFrom = verifiedWith({ replicasAt: (atS) => (atS < 32 ? 1 : 0) });
  assert.equal(silentFrom.verdict, "undecided", silentFrom.reasons.join());
  assert.deepEqual(
    silentFrom.shortages.map(({ untilS, lagS, unseenS }) => [untilS, Math.round(lagS), unseenS]),
    [[null, 4, 66]],
  );
  // The last sample, at 33 s, holds for 3 s; the replica may have come at any time of the 7 s after that.
  const gap = verifiedWith({
    replicasAt: (atS) => (atS < 34 ? 1 : atS < 43 ? 0 : atS < 90 ? 2 : 3),
  });
  assert.equal(gap.verdict, "undecided", gap.reasons.join());
  assert.match(gap.reasons.join(), /up to 13 s, and were not looked at for 7 s of it/);
});
