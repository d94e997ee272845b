import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { arrivalFindings } from "../../../coordinator/validity/arrivals.ts";
import { departuresFit } from "../../../coordinator/validity/departures-fit.ts";
import {
  chiSquareBand,
  gammaCdf,
  kolmogorovP,
} from "../../../coordinator/validity/goodness-of-fit.ts";
import type { Arrivals } from "../../../shared/arrivals/arrivals.ts";
import { openSchedule } from "../../../shared/arrivals/schedule.ts";

const MS = 1e6;
const S = 1e9;
const START_NS = 5 * S;
const TOLERANCE_NS = 2 * MS;

const PROCESSES: readonly Arrivals[] = [
  { kind: "constant", ratePerSecond: 333 },
  { kind: "poisson", ratePerSecond: 200 },
  { kind: "gamma", ratePerSecond: 200, coefficientOfVariation: 2 },
  { kind: "gamma", ratePerSecond: 200, coefficientOfVariation: 0.5 },
  { kind: "ramp", fromRatePerSecond: 10, toRatePerSecond: 400, durationNs: 20 * S },
];

function planned(arrivals: Arrivals, seed: number): number[] {
  const schedule = openSchedule(arrivals, { seed, segment: 1 });
  const atNs: number[] = [];
  for (let next = schedule.nextAtNs(); next < 20 * S; next = schedule.nextAtNs())
    atNs.push(START_NS + next);
  return atNs;
}

function findings(arrivals: Arrivals, seed: number, sentOf: (atNs: number, i: number) => number) {
  const plannedAtNs = planned(arrivals, seed);
  const sentAtNs = plannedAtNs.map(sentOf).sort((a, b) => a - b);
  const departures = { arrivals, startAtNs: START_NS, plannedAtNs, sentAtNs };
  return arrivalFindings(departures, TOLERANCE_NS);
}

for (const arrivals of PROCESSES) {
  const name = `${arrivals.kind} ${"coefficientOfVariation" in arrivals ? arrivals.coefficientOfVariation : ""}`;

  describe(`departures of ${name}`, () => {
    test("plans fail their own tests as often as the bound says, and no more", () => {
      let ks = 0;
      let dispersion = 0;
      for (let seed = 1; seed <= 150; seed += 1) {
        const fit = departuresFit(
          { arrivals, startAtNs: START_NS },
          planned(arrivals, seed),
          1_000,
        );
        assert.ok(fit.ksP !== undefined && fit.dispersion !== undefined);
        if (fit.ksP < 0.001) ks += 1;
        if (!fit.dispersion.isWithin) dispersion += 1;
      }
      // Binomial(150, 0.001): more than 3 are one in 50,000; the seeds are fixed.
      assert.ok(ks <= 3 && dispersion <= 3, `${ks} and ${dispersion} of 150`);
    });

    test("what is sent a little late, one request after the other, is as planned", () => {
      for (let seed = 1; seed <= 50; seed += 1) {
        const { findings: found } = findings(
          arrivals,
          seed,
          (atNs, i) => atNs + (((i * 7919) % 100) / 100) * TOLERANCE_NS,
        );
        assert.deepEqual(found, [], `seed ${seed}`);
      }
    });

    test("what is sent in a batch each 50 ms is not", () => {
      const batched = (atNs: number): number => Math.ceil(atNs / (50 * MS)) * 50 * MS;
      const { findings: found } = findings(arrivals, 5, batched);
      assert.match(
        found[0]!.text,
        /^the agents' departures are not the planned .* p = \S+ \(bound 0\.001\): .* clumps/,
      );
    });

    test("a pause of two seconds, and all that was due behind it at once, is not", () => {
      const paused = (atNs: number): number =>
        atNs > 12 * S && atNs < 14 * S ? 14 * S : atNs + 10_000;
      const texts = findings(arrivals, 5, paused).findings.map(({ text }) => text);
      assert.ok(texts.length > 0);
      assert.match(texts.join(" "), /burstier than planned: dispersion index \d+\.\d+ \(99\.9 %/);
    });
  });
}

test("gaps are held against p = 0.001, and dispersion against a 99.9 % band", () => {
  const arrivals: Arrivals = { kind: "poisson", ratePerSecond: 200 };
  const textsOf = (seed: number, sentOf: (atNs: number) => number): readonly string[] =>
    findings(arrivals, seed, sentOf).findings.map(({ text }) => text);
  const batchedBy = (ns: number) => (atNs: number) => Math.ceil(atNs / ns) * ns;
  // p = 1.2e-3 and 2.8e-4.
  assert.deepEqual(textsOf(6, batchedBy(4.25 * MS)), []);
  assert.match(textsOf(6, batchedBy(4.2 * MS)).join(), /Kolmogorov–Smirnov .* p = 2\.8e-4 /);
  const paused = (atNs: number): number => (atNs > 12 * S && atNs < 12.2 * S ? 12.2 * S : atNs);
  assert.deepEqual(textsOf(2, paused), []);
  assert.match(textsOf(1, paused).join(), /index 1\.62 \(99\.9 % band 0\.70 to 1\.36\)/);
});

test("smoother than planned is as wrong as burstier", () => {
  const arrivals: Arrivals = { kind: "poisson", ratePerSecond: 200 };
  const plannedAtNs = planned(arrivals, 3);
  const first = plannedAtNs[0]!;
  const step = (plannedAtNs.at(-1)! - first) / (plannedAtNs.length - 1);
  const sentAtNs = plannedAtNs.map((_, i) => first + i * step);
  const departures = { arrivals, startAtNs: START_NS, plannedAtNs, sentAtNs };
  const texts = arrivalFindings(departures, 0).findings.map(({ text }) => text);
  assert.match(texts.join(" "), /smoother than planned/);
});

test("a plan that is one in a thousand is not held against the agents", () => {
  const arrivals: Arrivals = { kind: "poisson", ratePerSecond: 200 };
  const plannedAtNs = Array.from({ length: 2_000 }, (_, i) => START_NS + i * 5 * MS);
  const departures = { arrivals, startAtNs: START_NS, plannedAtNs, sentAtNs: plannedAtNs };
  const { findings: found, untested } = arrivalFindings(departures, 0);
  assert.deepEqual(found, []);
  assert.equal(untested.length, 2);
  for (const text of untested) assert.match(text, /not tested: the plan's own draw/);
});

test("a handful of departures is not tested, and it is said", () => {
  const arrivals: Arrivals = { kind: "poisson", ratePerSecond: 1 };
  const plannedAtNs = planned(arrivals, 1);
  const departures = { arrivals, startAtNs: START_NS, plannedAtNs, sentAtNs: plannedAtNs };
  const { findings: found, untested } = arrivalFindings(departures, TOLERANCE_NS);
  assert.deepEqual(found, []);
  assert.ok(untested.some((text) => /^dispersion .*too few$/.test(text)));
});

test("the distributions agree with their tables", () => {
  const near = (value: number, wanted: number, within: number): void => {
    assert.ok(Math.abs(value - wanted) < within, `${value}, not ${wanted}`);
  };
  // Exponential; χ² of 1 and 10 degrees at its 95 % point; both sides of shape + 1.
  near(gammaCdf(1, 1), 1 - Math.exp(-1), 1e-12);
  near(gammaCdf(3.841 / 2, 0.5), 0.95, 1e-4);
  near(gammaCdf(18.307 / 2, 5), 0.95, 1e-4);
  near(gammaCdf(3.94 / 2, 5), 0.05, 1e-4);
  assert.equal(gammaCdf(0, 2), 0);
  // Q(1.3581) = 0.05 and Q(1.9495) = 0.001, at the λ that Stephens gives for the count.
  const dAt = (lambda: number, count: number): number =>
    lambda / (Math.sqrt(count) + 0.12 + 0.11 / Math.sqrt(count));
  near(kolmogorovP(dAt(1.3581, 50), 50), 0.05, 1e-4);
  near(kolmogorovP(dAt(1.9495, 5_000), 5_000), 0.001, 1e-5);
  assert.equal(kolmogorovP(0, 100), 1);
  // χ² of 99 degrees: 0.05 % and 99.95 %.
  const { low, high } = chiSquareBand(99, 3.2905);
  near(low * 99, 59.1, 0.6);
  near(high * 99, 151.9, 0.8);
});
