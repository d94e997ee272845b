import assert from "node:assert/strict";
import { test } from "node:test";
import { estimateRescored } from "../../coordinator/rescore/estimate.ts";
import type { RecordedRequest } from "../../coordinator/rescore/levels.ts";
import { WindowRecount } from "../../coordinator/rescore/recount.ts";
import { tailProcedure } from "../../coordinator/search/tail.ts";
import type { Slo } from "../../shared/slo/slo.ts";
import { mmcMaxRate } from "../../simulator/theory.ts";
import { MM16_FAST } from "../support/search-queues.ts";
import { quantileClause, runInVirtualTime } from "../support/virtual-queue.ts";
import type { VirtualRequest } from "../support/virtual-server.ts";

const SHOWN = ["ramp", "focus", "probe", "calibrate"];

/** A search of the fast M/M/16 for p99 <= 500 ms, with what its records would say, window by window. */
function searched(seed: number, slo: Slo) {
  const requests: VirtualRequest[] = [];
  const server = MM16_FAST.server(977 * seed);
  const counted = {
    slo: MM16_FAST.clauses.map(({ clause }) => clause),
    thresholds: MM16_FAST.clauses.map(({ thresholds }) => thresholds),
  };
  const run = runInVirtualTime({
    ...counted,
    procedure: tailProcedure({
      ...counted,
      rateMinPerSecond: 60,
      rateMaxPerSecond: undefined,
      precisionFraction: 0.005,
      confidence: 0.95,
      timeBudgetS: 45,
    }),
    server: {
      arrive(request) {
        requests.push(request);
        server.arrive(request);
      },
      advance: (toS) => {
        server.advance(toS);
      },
      nextEventAtS: () => server.nextEventAtS(),
    },
    seed: 313 * seed,
    sealDelayS: 0.6,
    armS: 0.4,
  });
  server.advance(1e6);
  assert.ok(run.decision.kind === "found");
  const windows = run.segments.map(({ number, startS, request }, index) => {
    const fromS = startS + request.settleS;
    const untilS = Math.min(
      fromS + request.recordS,
      run.segments[index + 1]?.startS ?? run.elapsedS,
    );
    const segment = {
      number,
      mode: { kind: "idle" as const },
      startAtNs: startS * 1e9,
      recordFromNs: fromS * 1e9,
      recordUntilNs: untilS * 1e9,
      endByNs: untilS * 1e9,
      requestsMax: 0,
      shares: [],
    };
    const recount = new WindowRecount({ segment, request, untilNs: untilS * 1e9 }, slo);
    for (const each of requests) recount.add(recordOf(each, number));
    return { purpose: request.purpose, recount };
  });
  return { answer: run.decision.answer, findings: run.decision.findings, windows };
}

function recordOf(request: VirtualRequest, segment: number): RecordedRequest {
  const { index, intendedAtS, firstAtS, doneAtS } = request;
  return {
    index,
    segment,
    intendedMs: intendedAtS * 1e3,
    sendDelayMs: 0,
    ttftMs: (firstAtS - intendedAtS) * 1e3,
    maxGapMs: null,
    e2eMs: (doneAtS - intendedAtS) * 1e3,
    durationMs: (doneAtS - intendedAtS) * 1e3,
    outputTokens: 1,
    outcome: "ok",
    class: 0,
  };
}

test("records of a search for 500 ms tell the highest rate within 400 ms, and within 500 ms what the search told", () => {
  const seeds = [3, 4, 5, 6];
  let covered = 0;
  for (const seed of seeds) {
    for (const limitS of [0.5, 0.4]) {
      const { clause } = quantileClause("ttft", 0.99, limitS);
      const { answer, findings, windows } = searched(seed, [clause]);
      const saturation = findings?.saturation;
      assert.ok(saturation);
      const { rate } = estimateRescored(
        windows
          .filter(({ purpose }) => SHOWN.includes(purpose))
          .map((one) => one.recount.observed()),
        {
          slo: [clause],
          confidence: 0.95,
          saturation: {
            requestsPerSecond: saturation.ratePerSecond,
            relativeSd: saturation.relativeSd,
          },
        },
      );
      assert.ok(rate, `seed ${seed}`);
      const truth = mmcMaxRate({ c: 16, mu: 1 / 0.06, limitS, quantile: 0.99 });
      if (rate.low <= truth && truth <= rate.high) covered += 1;
      const reference = limitS === 0.5 ? answer.ratePerSecond : truth;
      assert.ok(
        Math.abs(Math.log(rate.requestsPerSecond / reference)) < 0.08,
        `seed ${seed}: ${rate.requestsPerSecond} for ${reference}`,
      );
      assert.equal(rate.isExtrapolated, false);
    }
  }
  assert.ok(covered >= 2 * seeds.length - 1, `${covered} intervals hold the truth`);
});
