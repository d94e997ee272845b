import assert from "node:assert/strict";
import { test } from "node:test";
import type { Arrivals } from "../../../shared/arrivals/arrivals.ts";
import {
  meanRatePerSecond,
  openSchedule,
  peakRatePerSecond,
} from "../../../shared/arrivals/schedule.ts";
import { rampArrivals } from "../../../shared/arrivals/ramp.ts";
import { NS_PER_SECOND, NS_PER_US } from "../../../shared/units.ts";

function takeNs(arrivals: Arrivals, count: number, seed = 1): number[] {
  const schedule = openSchedule(arrivals, { seed, segment: 1 });
  return Array.from({ length: count }, () => schedule.nextAtNs());
}

function untilS(arrivals: Arrivals, endS: number, seed = 1): number[] {
  const schedule = openSchedule(arrivals, { seed, segment: 1 });
  const instants: number[] = [];
  for (let atNs = schedule.nextAtNs(); atNs < endS * NS_PER_SECOND; atNs = schedule.nextAtNs()) {
    instants.push(atNs / NS_PER_SECOND);
  }
  return instants;
}

const gapsOf = (instants: readonly number[]): number[] =>
  instants.map((at, i) => at - (instants[i - 1] ?? 0));

const mean = (values: readonly number[]): number =>
  values.reduce((sum, value) => sum + value, 0) / values.length;

function variance(values: readonly number[]): number {
  const centre = mean(values);
  return mean(values.map((value) => (value - centre) ** 2));
}

/** Variance over mean of the counts in cells of `cellS`: 1 for Poisson. */
function dispersion(instants: readonly number[], endS: number, cellS: number): number {
  const counts = new Array<number>(Math.floor(endS / cellS)).fill(0);
  for (const at of instants) counts[Math.floor(at / cellS)]! += 1;
  return variance(counts) / mean(counts);
}

function near(actual: number, expected: number, tolerance: number): void {
  assert.ok(
    Math.abs(actual - expected) <= tolerance,
    `${actual} is not ${expected} ± ${tolerance}`,
  );
}

const poisson = { kind: "poisson", ratePerSecond: 200 } as const;

test("constant arrivals start at once and lie at i / rate, the millionth too", () => {
  const evenly = openSchedule({ kind: "constant", ratePerSecond: 3 }, { seed: 1, segment: 1 });
  for (let i = 0; i < 1_000_000; i++) {
    const atNs = evenly.nextAtNs();
    if (i % 99_999 !== 0 && i !== 1) continue;
    assert.equal(atNs, Math.round((i * 1_000_000) / 3) * NS_PER_US);
  }
  assert.deepEqual(takeNs({ kind: "constant", ratePerSecond: 100 }, 3), [0, 1e7, 2e7]);
});

test("every process gives whole µs, never one before another", () => {
  const processes: Arrivals[] = [
    { kind: "constant", ratePerSecond: 700_001 },
    { kind: "poisson", ratePerSecond: 900_000 },
    { kind: "gamma", ratePerSecond: 5_000, coefficientOfVariation: 4 },
    { kind: "ramp", fromRatePerSecond: 900_000, toRatePerSecond: 1, durationNs: 1e9 },
  ];
  for (const arrivals of processes) {
    const instants = takeNs(arrivals, 20_000);
    assert.ok(instants.every((atNs) => Number.isInteger(atNs / NS_PER_US) && atNs >= 0));
    assert.deepEqual(
      instants,
      instants.toSorted((a, b) => a - b),
      arrivals.kind,
    );
  }
});

test("schedules are what they were: a seed means the same run in every release", () => {
  assert.deepEqual(takeNs(poisson, 3), [12126000, 23042000, 29998000]);
  assert.deepEqual(
    takeNs({ kind: "gamma", ratePerSecond: 10, coefficientOfVariation: 2 }, 3),
    [35000, 334356000, 334367000],
  );
  const ramp = {
    kind: "ramp",
    fromRatePerSecond: 0,
    toRatePerSecond: 10,
    durationNs: 1e10,
  } as const;
  assert.deepEqual(takeNs(ramp, 3), [2202364000, 3035890000, 3464009000]);
});

test("another seed, and another segment, give other arrivals", () => {
  assert.notDeepEqual(takeNs(poisson, 3, 1), takeNs(poisson, 3, 2));
  const second = openSchedule(poisson, { seed: 1, segment: 2 });
  assert.notEqual(takeNs(poisson, 1)[0], second.nextAtNs());
});

test("Poisson gaps are exponential: mean, variation, and Kolmogorov–Smirnov", () => {
  for (const seed of [1, 2, 3]) {
    const gaps = gapsOf(takeNs(poisson, 20_000, seed).map((atNs) => atNs / NS_PER_SECOND));
    near(mean(gaps) * 200, 1, 0.03);
    near(Math.sqrt(variance(gaps)) / mean(gaps), 1, 0.04);

    const sorted = gaps.toSorted((a, b) => a - b);
    const distance = Math.max(
      ...sorted.map((gap, i) => {
        const expected = 1 - Math.exp(-200 * gap);
        return Math.max(expected - i / sorted.length, (i + 1) / sorted.length - expected);
      }),
    );
    // 1.95 / √n is the critical distance at p = 0.001.
    assert.ok(distance < 1.95 / Math.sqrt(sorted.length), `KS distance ${distance}, seed ${seed}`);
  }
});

test("Poisson counts vary as much as their mean, and neighbouring gaps do not know each other", () => {
  const instants = untilS(poisson, 200);
  near(dispersion(instants, 200, 0.1), 1, 0.12);
  const gaps = gapsOf(instants);
  const centre = mean(gaps);
  const lagged = mean(gaps.slice(1).map((gap, i) => (gap - centre) * (gaps[i]! - centre)));
  near(lagged / variance(gaps), 0, 0.02);
});

test("gamma gaps have the mean and the coefficient of variation asked for", () => {
  for (const coefficientOfVariation of [0.2, 0.7, 1, 2, 3]) {
    const arrivals = { kind: "gamma", ratePerSecond: 200, coefficientOfVariation } as const;
    const gaps = gapsOf(takeNs(arrivals, 40_000).map((atNs) => atNs / NS_PER_SECOND));
    near(mean(gaps) * 200, 1, 0.015 + 0.02 * coefficientOfVariation);
    const variation = Math.sqrt(variance(gaps)) / mean(gaps);
    near(variation / coefficientOfVariation, 1, 0.06);
  }
});

test("gamma counts are clumped by the square of the coefficient of variation", () => {
  // Renewal theory: variance over mean of long counts goes to cv².
  const arrivals = { kind: "gamma", ratePerSecond: 200, coefficientOfVariation: 2 } as const;
  near(dispersion(untilS(arrivals, 1_000), 1_000, 1), 4, 0.7);
});

test("a ramp has as many arrivals as the integral of its rate, in every part of it", () => {
  for (const [from, to] of [
    [50, 400],
    [400, 50],
    [0, 300],
    [300, 0],
    [200, 200],
  ] as const) {
    const durationS = 60;
    const durationNs = durationS * NS_PER_SECOND;
    const ramp = {
      kind: "ramp",
      fromRatePerSecond: from,
      toRatePerSecond: to,
      durationNs,
    } as const;
    const instants = untilS(ramp, 90, 3);
    const expectedUntil = (endS: number): number => {
      const inRampS = Math.min(endS, durationS);
      return (
        from * inRampS +
        ((to - from) * inRampS ** 2) / (2 * durationS) +
        to * Math.max(0, endS - durationS)
      );
    };
    for (let fromS = 0; fromS < 90; fromS += 15) {
      const expected = expectedUntil(fromS + 15) - expectedUntil(fromS);
      const count = instants.filter((at) => at >= fromS && at < fromS + 15).length;
      near(count, expected, 4 * Math.sqrt(expected));
    }
  }
});

test("a ramp down to 0 ends: its next arrival is at infinity", () => {
  const ramp = { kind: "ramp", fromRatePerSecond: 5, toRatePerSecond: 0, durationNs: 1e9 } as const;
  const instants = takeNs(ramp, 50);
  assert.equal(instants.at(-1), Infinity);
  assert.ok(instants.every((atNs) => atNs === Infinity || atNs <= 1e9));
});

test("no arrival of a ramp is at NaN, where rounding puts its end past the root", () => {
  for (let i = 1; i < 2_000; i++) {
    const unit = i / 2_000;
    // The first draw lands on the ramp's last expected arrival, or a rounding error beside it.
    const fromRatePerSecond = (-2 * Math.log(1 - unit)) / 7;
    const ramp = { kind: "ramp", fromRatePerSecond, toRatePerSecond: 0, durationNs: 7e9 } as const;
    const atNs = rampArrivals({ ramp, prng: { nextUnit: () => unit } }).nextAtNs();
    assert.ok(atNs === Infinity || Math.abs(atNs - 7e9) < 1e6, `${atNs} for ${unit}`);
  }
});

test("a ramp from 0 whose first draw is 0 starts at 0, not at NaN", () => {
  const ramp = { kind: "ramp", fromRatePerSecond: 0, toRatePerSecond: 5, durationNs: 1e9 } as const;
  assert.equal(rampArrivals({ ramp, prng: { nextUnit: () => 0 } }).nextAtNs(), 0);
});

test("mean and peak rate", () => {
  const ramp = { kind: "ramp", fromRatePerSecond: 10, toRatePerSecond: 30, durationNs: 1 } as const;
  assert.deepEqual([meanRatePerSecond(ramp), peakRatePerSecond(ramp)], [20, 30]);
  assert.deepEqual([meanRatePerSecond(poisson), peakRatePerSecond(poisson)], [200, 200]);
});
