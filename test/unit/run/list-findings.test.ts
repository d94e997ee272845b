import assert from "node:assert/strict";
import { test } from "node:test";
import { listFindings } from "../../../coordinator/run/list-findings.ts";
import type { ProbeView } from "../../../coordinator/show/result.ts";
import { probeOf, summaryOf } from "../../golden/show/results.ts";

function probe(rate: number, e2eMs: number, more: Partial<ProbeView> = {}): ProbeView {
  const e2e = { ...summaryOf(1_000, e2eMs, 1), mean: e2eMs };
  return probeOf({
    segment: 1,
    rate,
    startS: 0,
    durationS: 30,
    ttftP50Ms: 1,
    ttftSpread: 1,
    more: { completedPerSecond: rate, e2eMs: e2e, ...more },
  });
}

const streams = (count: number, completed: number): ProbeView =>
  probe(0, 1_000, {
    mode: "closed",
    requestsPerSecond: null,
    streams: count,
    completedPerSecond: completed,
  });

test("rates that are all carried show no saturation; latency that turns shows a knee", () => {
  const probes = [10, 20, 30, 40, 50, 55].map((rate) => probe(rate, 1_000 / (60 - rate)));
  const { saturation, knee } = listFindings("run", probes);
  assert.equal(saturation, null);
  assert.equal(knee?.requestsPerSecond, 40);
  assert.equal(knee.powerRequestsPerSecond, 30);
});

test("a rate that is not carried shows where the server is full, and how well that is known", () => {
  const { saturation } = listFindings("run", [
    probe(20, 100),
    probe(60, 9_000, { completedPerSecond: 40 }),
    probe(80, 9_000, { completedPerSecond: 39 }),
  ]);
  assert.equal(saturation?.requestsPerSecond, 40);
  assert.ok(Math.abs(saturation.relativeSd - 1 / Math.sqrt(1_200)) < 1e-4);
});

test("what ends behind a window, or did not come by chance, is no shortfall", () => {
  const short = probe(2, 5_000, { completedPerSecond: 1.6 });
  assert.equal(listFindings("run", [short]).saturation, null);
});

test("more streams that complete no more show the server full; the knee lies before", () => {
  const probes = [1, 2, 4, 8, 16, 32].map((n) => streams(n, 40 * (1 - Math.exp(-n / 4))));
  const { saturation, knee } = listFindings("run", probes);
  assert.ok(saturation !== null && saturation.requestsPerSecond > 39);
  assert.equal(knee?.requestsPerSecond, probes[3]?.completedPerSecond);
  assert.equal(listFindings("run", probes.slice(0, 3)).saturation, null);
});

test("a window that the generator spoilt shows nothing of the server", () => {
  const spoilt = {
    ...streams(512, 3),
    validity: { verdict: "invalid", reasons: ["late"] } as const,
  };
  assert.equal(listFindings("sweep", [spoilt]).saturation, null);
  assert.equal(listFindings("sweep", [streams(512, 3)]).saturation?.requestsPerSecond, 3);
});
