import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { calibrate, type CalibrationOptions } from "../../../coordinator/calibrate/calibration.ts";
import { headroomFraction, reactionDelayS } from "../../../coordinator/calibrate/headroom.ts";
import type { ProbeView, Result } from "../../../coordinator/show/result.ts";
import { LoadError } from "../../../shared/errors.ts";
import { BATCH_16, BATCH_64, resultOfServer } from "../../support/measured-server.ts";

const DELAY = {
  scrapeS: 15,
  pollS: 15,
  periodS: 15,
  stabilisationS: 0,
  provisioningS: 0,
  startupS: 138,
};
const OPTIONS: CalibrationOptions = { delay: DELAY, growthPerSecond: 0.2 / 60 };

const BIG = resultOfServer(BATCH_64);
const SMALL = resultOfServer(BATCH_16);

test("the headroom lets a growing load reach the limit just when its replicas are ready", () => {
  const delayS = reactionDelayS(DELAY);
  assert.equal(delayS, 183);
  const planned = headroomFraction(OPTIONS.growthPerSecond, delayS);
  assert.ok(Math.abs(planned * (1 + OPTIONS.growthPerSecond * delayS) - 1) < 1e-12);
  assert.equal(headroomFraction(0, delayS), 1);
});

/** By hand, without the product's curve: straight between the two windows around the planned rate. */
function inFlightAt(result: Result, ratePerSecond: number): number {
  const windows = result.probes.map(({ requestsPerSecond, server }) => ({
    rate: requestsPerSecond!,
    inEngine: server!.runningMean! + server!.waitingMean!,
  }));
  const above = windows.find(({ rate }) => rate >= ratePerSecond)!;
  const below = windows.findLast(({ rate }) => rate < ratePerSecond)!;
  const part = (ratePerSecond - below.rate) / (above.rate - below.rate);
  return below.inEngine + part * (above.inEngine - below.inEngine);
}

describe("on two simulated servers", () => {
  for (const [name, result] of [
    ["large batches", BIG],
    ["small batches", SMALL],
  ] as const)
    test(`${name}: the autoscaler's own arithmetic on the measured curve gives as many replicas as the plan`, () => {
      const { target, plannedPerSecond, measured } = calibrate(result, OPTIONS);
      assert.equal(target.signal, "running+waiting");
      assert.equal(measured.sustainedPerSecond, result.maxRate!.low);
      assert.equal(plannedPerSecond, result.maxRate!.low / (1 + (0.2 / 60) * 183));
      const read = inFlightAt(result, plannedPerSecond);
      assert.equal(target.value, Math.floor(read));
      // ceil(total / target): with 7 replicas' planned load in the engines, KEDA asks for 7 or a little more.
      const asked = Math.ceil((7 * read) / target.value);
      assert.ok(asked >= 7 && asked <= Math.ceil((7 * read) / Math.floor(read)), `${asked}`);
      // One less than that many would be past the plan, and all of them are within it.
      assert.ok(read * 7 > target.value * (asked - 1));
    });

  test("the number differs as the batches do", () => {
    const numbers = [BIG, SMALL].map((result) => calibrate(result, OPTIONS).target.value);
    assert.deepEqual(numbers, [24, 6]);
  });

  test("waiting is rejected as blind on both, with its number", () => {
    for (const result of [BIG, SMALL]) {
      const waiting = calibrate(result, OPTIONS).candidates.find(
        ({ signal }) => signal === "waiting",
      )!;
      assert.equal(waiting.isKept, false);
      assert.match(waiting.reason, /^0\.\d+ at the highest rate within the SLO: blind; consider/);
    }
  });

  test("the knee is where the SLO ends, not where a window failed", () => {
    const at20 = BIG.probes.find(({ requestsPerSecond }) => requestsPerSecond === 20)!.server!;
    assert.equal(
      calibrate(BIG, OPTIONS).target.knee,
      Math.floor(at20.runningMean! + at20.waitingMean!),
    );
  });
});

test("without server metrics the client's requests in flight are taken, and said to be", () => {
  const { target, notes, candidates } = calibrate(
    resultOfServer(BATCH_64, { metrics: false }),
    OPTIONS,
  );
  assert.deepEqual(target, { signal: "in-flight", value: 24, knee: 48 });
  assert.match(notes.join("\n"), /no server metrics: .* in flight at the client/);
  assert.equal(
    candidates.find(({ signal }) => signal === "waiting")?.reason,
    "not measured: no server metrics",
  );
});

test("a run that several replicas served is one replica's share", () => {
  const alone = calibrate(BIG, OPTIONS);
  const three = calibrate(timesThree(BIG), { ...OPTIONS, replicas: 3 });
  assert.equal(three.target.value, alone.target.value);
  assert.ok(Math.abs(three.plannedPerSecond - alone.plannedPerSecond) < 1e-9);
});

function timesThree(result: Result): Result {
  const probes = result.probes.map(
    (probe): ProbeView => ({
      ...probe,
      requestsPerSecond: 3 * probe.requestsPerSecond!,
      inFlightMean: 3 * probe.inFlightMean,
      server: {
        ...probe.server!,
        waitingMean: 3 * probe.server!.waitingMean!,
        runningMean: 3 * probe.server!.runningMean!,
      },
    }),
  );
  const maxRate = { ...result.maxRate!, low: 3 * result.maxRate!.low };
  return { ...result, maxRate, probes };
}

/** A signal that stops at its limit: what `--max-num-seqs` does to running. */
function withRunning(runningOf: (rate: number) => number): Result {
  const probes = BIG.probes.map((probe) => ({
    ...probe,
    server: { ...probe.server!, runningMean: runningOf(probe.requestsPerSecond!) },
  }));
  return { ...BIG, probes };
}

test("a signal that is full before the knee does not tell good from bad", () => {
  const { candidates } = calibrate(
    withRunning((rate) => Math.min(rate, 15)),
    OPTIONS,
  );
  assert.match(
    candidates.find(({ signal }) => signal === "running")!.reason,
    /^does not tell a failing rate \(15\) from 0\.8 of the highest good one \(15\)/,
  );
});

test("a signal that falls as the load rises is rejected with where it falls", () => {
  const { candidates } = calibrate(
    withRunning((rate) => (rate === 16 ? 5 : 2 * rate)),
    OPTIONS,
  );
  assert.equal(
    candidates.find(({ signal }) => signal === "running")?.reason,
    "does not rise with the rate: 24 at 12.0/s, 5 at 16.0/s",
  );
});

test("void windows, and those too short to have settled, are not read", () => {
  const [first, ...rest] = BIG.probes;
  const wrong = { ...first!, requestsPerSecond: 12, inFlightMean: 900, segment: 99 };
  const added: ProbeView[] = [
    { ...wrong, validity: { verdict: "invalid", reasons: ["late"] } },
    { ...wrong, durationS: 1 },
  ];
  const calibration = calibrate({ ...BIG, probes: [first!, ...rest, ...added] }, OPTIONS);
  assert.equal(calibration.proxyTarget.value, 24);
  assert.match(calibration.notes.join("\n"), /1 windows were shorter than two answers/);
});

function refusal(result: Result, options = OPTIONS): { code: string; exitCode: number } {
  try {
    calibrate(result, options);
  } catch (error) {
    assert.ok(error instanceof LoadError);
    return { code: error.code, exitCode: error.exitCode };
  }
  return assert.fail("it was not refused");
}

test("a run that cannot be believed is refused, and one without an answer, a curve or a usable signal", () => {
  assert.deepEqual(refusal({ ...BIG, validity: { verdict: "invalid", reasons: ["late"] } }), {
    code: "LL_CALIBRATE_INVALID",
    exitCode: 4,
  });
  assert.deepEqual(refusal({ ...BIG, maxRate: null }), {
    code: "LL_CALIBRATE_NO_RATE",
    exitCode: 2,
  });
  assert.equal(refusal({ ...BIG, probes: [] }).code, "LL_CALIBRATE_NO_RATE");
  // So much headroom that less than one request is in flight.
  assert.deepEqual(refusal(BIG, { ...OPTIONS, growthPerSecond: 1 }), {
    code: "LL_CALIBRATE_NO_SIGNAL",
    exitCode: 5,
  });
});
