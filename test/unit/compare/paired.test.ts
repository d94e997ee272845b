import assert from "node:assert/strict";
import { describe, test } from "node:test";
import {
  comparePaired,
  type PairedComparison,
} from "../../../coordinator/compare/paired-comparison.ts";
import { pairedLevels } from "../../../coordinator/compare/paired.ts";
import { type Gate, noWorseThan } from "../../../coordinator/compare/gate.ts";
import { studentBound } from "../../../coordinator/compare/student.ts";
import { alternated } from "../../../coordinator/run/alternated.ts";
import type { SegmentRequest } from "../../../coordinator/search/procedure.ts";
import type { ProbeView } from "../../../coordinator/show/result.ts";
import { counts, found } from "../../golden/show/results.ts";
import { Draws, fifoServer } from "../../support/virtual-server.ts";

const RATE_PER_SECOND = 60;
const WINDOW_S = 20;
const SERVICE_S = 0.1;
const SLO = [{ ...found.slo[0]!, metric: "e2e", unit: "ms" }];

const REQUEST: SegmentRequest = {
  purpose: "measure",
  mode: { kind: "open", ratePerSecond: RATE_PER_SECOND },
  settleS: 0,
  recordS: WINDOW_S,
  requestsMax: 0,
};

interface Served {
  readonly seed: number;
  /** Of the other endpoint's slots. */
  readonly factor: number;
  /** How much slower both are at the run's end. */
  readonly drift: number;
  readonly pairs?: number;
}

/** Windows of two M/M/16, in the order and as slow as the run meets them. */
function windowsOf({ seed, factor, drift, pairs = 6 }: Served): readonly ProbeView[] {
  const requests = alternated([REQUEST], pairs);
  return requests.map((request, place) => {
    const slower = 1 + (drift * place) / requests.length;
    const serviceS = (SERVICE_S * slower) / (request.against === true ? factor : 1);
    const e2eS = meanEndToEndS({ serviceS, seed: 1_000 * seed + place });
    return probeOf({ place, isAgainst: request.against === true, e2eMs: 1_000 * e2eS });
  });
}

function meanEndToEndS({ serviceS, seed }: { serviceS: number; seed: number }): number {
  const draws = new Draws(seed, 2);
  const server = fifoServer({
    slots: 16,
    seed,
    serviceS: (own) => own.exponential(1 / serviceS),
  });
  let sum = 0;
  let count = 0;
  for (let atS = 0; ; count++) {
    atS += draws.exponential(RATE_PER_SECOND);
    if (atS >= WINDOW_S) return sum / count;
    const request = {
      ...{ index: count, intendedAtS: atS, recorded: true, outputTokens: 1, ok: true },
      firstAtS: Infinity,
      doneAtS: Infinity,
    };
    server.arrive(request);
    sum += request.doneAtS - atS;
  }
}

function probeOf(window: {
  readonly place: number;
  readonly isAgainst: boolean;
  readonly e2eMs: number;
}): ProbeView {
  const [like] = found.probes;
  assert.ok(like !== undefined);
  const { place, isAgainst, e2eMs } = window;
  return {
    ...like,
    segment: place + 1,
    mode: "open",
    requestsPerSecond: RATE_PER_SECOND,
    streams: null,
    ...(isAgainst ? { against: true } : {}),
    validity: { verdict: "valid", reasons: [] },
    countsByOutcome: counts({ scheduled: 1_000, fired: 1_000, ok: 1_000 }),
    e2eMs: { ...like.e2eMs, mean: e2eMs },
  };
}

function judged(probes: readonly ProbeView[], gates: readonly Gate[] = []): PairedComparison {
  const levels = pairedLevels({ probes, slo: SLO });
  return comparePaired(found, {
    against: { url: "http://b.test/v1", model: "m", confidence: 0.95, levels },
    gates,
    loadline: "0.1.0",
  });
}

describe("two endpoints in virtual time, both half as slow again at the end of the run", () => {
  const SEEDS = Array.from({ length: 40 }, (_, i) => 730_001 + i);
  const verdictsOf = (factor: number, gates?: readonly Gate[]): readonly string[] =>
    SEEDS.map((seed) => judged(windowsOf({ seed, factor, drift: 0.5 }), gates).verdict);

  test("equal ones are hardly ever given an uplift, and are no 10 % worse", () => {
    const uplifts = verdictsOf(1).filter((verdict) => verdict === "met").length;
    assert.ok(uplifts <= 4, `${uplifts} of 40 false uplifts, of which 1 is due`);
    const held = verdictsOf(1, [noWorseThan(0.1)]).filter((verdict) => verdict === "met").length;
    assert.ok(held >= 30, `${held} of 40 are shown to be no 10 % worse`);
  });

  test("one that is 1.3 times as fast passes, and the same the other way round fails", () => {
    assert.deepEqual(new Set(verdictsOf(1.3)), new Set(["met"]));
    assert.deepEqual(new Set(verdictsOf(1 / 1.3)), new Set(["violated"]));
  });

  test("the interval holds the truth as often as it says", () => {
    const holds = SEEDS.filter((seed) => {
      // Nobody waits at this rate: the end-to-end time is the service's.
      const [level] = judged(windowsOf({ seed, factor: 1.3, drift: 0.5 })).levels;
      const { low = 0, high = 0 } = level?.ratio ?? {};
      return low <= 1.3 && 1.3 <= (high ?? Infinity);
    });
    assert.ok(holds.length >= 35, `${holds.length} of 40`);
  });
});

test("windows alternate A B, B A, load by load", () => {
  const other: SegmentRequest = { ...REQUEST, mode: { kind: "closed", streams: 4 } };
  const order = alternated([REQUEST, other], 4);
  assert.equal(
    order.map(({ against, mode }) => (against === true ? "b" : "a") + mode.kind[0]!).join(" "),
    "ao bo bo ao ao bo bo ao ac bc bc ac ac bc bc ac",
  );
});

describe("what does not count", () => {
  const probes = windowsOf({ seed: 1, factor: 1.3, drift: 0, pairs: 4 });
  const spoilt = (change: Partial<ProbeView>, upTo: number): readonly ProbeView[] =>
    probes.map((probe, place) => (place < upTo ? { ...probe, ...change } : probe));

  test("a pair with a window of failed or spoilt requests, and with three pairs nothing is said", () => {
    for (const [change, why] of [
      [
        { countsByOutcome: counts({ scheduled: 1_000, fired: 1_000, ok: 980 }) },
        "requests failed in 1",
      ],
      [{ validity: { verdict: "invalid" as const, reasons: ["late"] } }, "1 is invalid"],
    ] as const) {
      const { verdict, exitCode, levels } = judged(spoilt(change, 1));
      assert.deepEqual([verdict, exitCode], ["undecided", 5]);
      assert.deepEqual([levels[0]?.pairs, levels[0]?.leftOut, levels[0]?.ratio], [3, 1, null]);
      assert.equal(
        levels[0]?.reason,
        `3 pairs of windows count, and it takes 4; of 8 windows ${why}`,
      );
    }
  });

  test("means are geometric, and the interval is Student's of the logarithms", () => {
    const times = [100, 110, 90, 130, 120, 100, 80, 125];
    const timed = probes.map((probe, place) => ({
      ...probe,
      e2eMs: { ...probe.e2eMs, mean: times[place]! },
    }));
    const [level] = judged(timed).levels;
    const [ownTimes, otherTimes] = [true, false].map((own) =>
      times.filter((_, place) => (timed[place]?.against === true) !== own),
    );
    const product = (values: readonly number[]): number => values.reduce((all, one) => all * one);
    assert.ok(Math.abs(level!.target! / product(ownTimes!) ** (1 / 4) - 1) < 1e-12);
    assert.ok(Math.abs(level!.against! / product(otherTimes!) ** (1 / 4) - 1) < 1e-12);
    // Pairs of 100 / 110, 130 / 90, 120 / 100 and 125 / 80 ms.
    const logs = [100 / 110, 130 / 90, 120 / 100, 125 / 80].map(Math.log);
    const mean = logs.reduce((sum, log) => sum + log, 0) / 4;
    const squares = logs.reduce((sum, log) => sum + (log - mean) ** 2, 0);
    const reach = 3.1824463 * Math.sqrt(squares / 3 / 4);
    const { value = 0, low = 0, high } = level!.ratio ?? {};
    for (const [one, wanted] of [
      [value, mean],
      [low, mean - reach],
      [high ?? 0, mean + reach],
    ] as const)
      assert.ok(Math.abs(Math.log(one) - wanted) < 1e-6, `${one}, ${Math.exp(wanted)}`);
  });

  test("closed streams are compared by what they complete", () => {
    const closed = probes.map((probe) => ({
      ...probe,
      mode: "closed" as const,
      requestsPerSecond: null,
      streams: 8,
      completedPerSecond: (probe.against === true ? 26 : 20) + probe.segment / 100,
    }));
    const [level] = judged(closed).levels;
    assert.deepEqual([level?.figure, level?.ratio?.value.toFixed(2)], ["completed", "1.30"]);
  });
});

test("Student's bounds are those of the tables", () => {
  for (const [degrees, bound] of [
    [1, 12.706],
    [3, 3.182],
    [5, 2.571],
    [30, 2.042],
  ] as const)
    assert.ok(Math.abs(studentBound(0.95, degrees) - bound) < 1e-3, String(degrees));
});
