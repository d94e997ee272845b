import assert from "node:assert/strict";
import { test } from "node:test";
import { contenderOfRun } from "../../../coordinator/compare/from-run.ts";
import { renderDocumentHtml } from "../../../coordinator/show/document-html.ts";
import { renderDocumentText } from "../../../coordinator/show/document-text.ts";
import { sizingDocument } from "../../../coordinator/show/sizing.ts";
import { readForecast } from "../../../coordinator/forecast/forecast.ts";
import { size, type Sizing, type SizingOptions } from "../../../coordinator/size/sizing.ts";
import { searchPlan, searchResult } from "../../support/run-fixture.ts";

/** 50 requests/s, at least 40, of 128 prompt and 64 output tokens. */
const run = contenderOfRun({
  name: "fp16",
  source: "runs/fp16",
  result: searchResult({ rate: [50, 40, 60] }),
  plan: searchPlan(),
});

const peak = {
  time: null,
  requestsPerSecond: 400,
  promptTokensPerSecond: null,
  outputTokensPerSecond: null,
};

function sized(more: Partial<SizingOptions> = {}): Sizing {
  return size({
    loadline: "0.1.0",
    run,
    kneePerSecond: 38.5,
    loads: [peak],
    stepS: null,
    plannedPart: 1,
    plannedWhy: "none",
    redundancy: { kind: "spare", replicas: 1 },
    hardware: { gpus: 1, pricePerHour: 5.76, currency: "$" },
    kv: undefined,
    ...more,
  });
}

test("is counted by the low end of the interval, and keeps one for a loss", () => {
  const { peak: found } = sized();
  assert.deepEqual([found.neededReplicas, found.replicas], [10, 11]);
  assert.equal(sized({ plannedPart: 0.8 }).peak.replicas, 14);
  assert.equal(sized({ redundancy: { kind: "zones", zones: 3 } }).peak.replicas, 15);
});

test("cost at the SLO is one replica's at its rate; at the peak all of them share the peak", () => {
  const { cost } = sized();
  // 50 × 64 = 3,200 tokens/s for 5.76 an hour; 400 × 64 = 25,600 for eleven times that.
  assert.ok(Math.abs((cost?.atSlo.perMillionOutputTokens ?? 0) - 0.5) < 1e-9);
  assert.ok(Math.abs((cost?.atPeak.perMillionOutputTokens ?? 0) - (0.5 * 11) / 8) < 1e-9);
  assert.ok(Math.abs((cost?.atPeak.pricePerHour ?? 0) - 63.36) < 1e-9);
  assert.equal(sized({ hardware: { gpus: 1, pricePerHour: null, currency: "$" } }).cost, null);
});

test("longer answers bind by their tokens, and their cost is of their own tokens", () => {
  const { peak: found, cost } = sized({ loads: [{ ...peak, outputTokensPerSecond: 400 * 192 }] });
  assert.deepEqual([found.boundBy, found.neededReplicas], ["outputTokensPerSecond", 30]);
  assert.ok(Math.abs((cost?.atPeak.perMillionOutputTokens ?? 0) - (5.76 * 31) / 3.6 / 76.8) < 1e-9);
});

test("a forecast is summed over its hours, followed and at its peak", () => {
  const { steps, stepS } = readForecast("time,requests_per_second\n00:00,40\n12:00,400\n", {
    place: "f",
    spacing: "even",
  });
  const { forecast, cost, peak: found } = sized({ loads: steps, stepS });
  assert.equal(found.time, "12:00");
  assert.equal(forecast?.replicaHours, 12 * 2 + 12 * 11);
  assert.equal(forecast.replicaHoursAtPeak, 24 * 11);
  assert.ok(Math.abs((cost?.forecast?.following ?? 0) - 156 * 5.76) < 1e-9);
});

test("what-ifs go over headroom and price, with the planned one among them", () => {
  const { whatIf } = sized({ plannedPart: 2 / 3 });
  assert.deepEqual(
    whatIf.map(({ plannedPart, replicas, isPlanned }) => [
      Number(plannedPart.toFixed(2)),
      replicas,
      isPlanned,
    ]),
    [
      [1, 11, false],
      [0.9, 13, false],
      [0.8, 14, false],
      [0.7, 16, false],
      [0.67, 16, true],
      [0.5, 21, false],
    ],
  );
  assert.deepEqual(
    whatIf[0]?.pricesPerHour.map((price) => Number(price?.toFixed(2))),
    [31.68, 47.52, 63.36, 79.2],
  );
});

test("the cache is worked out of the GPUs' memory, and set beside what was in flight at the knee", () => {
  const shape = { bytesPerToken: 320_000, formula: "", notes: [] };
  const left = { kind: "left", bytes: 128e9 } as const;
  const { kv } = sized({ kv: { shape, memory: left, contextTokens: 1_024 } });
  // The fixture has 0.8 requests in flight for each a second; its window nearest to the knee is at 40.
  assert.deepEqual(
    [kv?.requests, kv?.measured],
    [390, { at: "knee", requestsPerSecond: 40, inFlightMean: 32 }],
  );
  const gpus = {
    kind: "of-gpus",
    bytesPerGpu: 80e9,
    utilisation: 0.9,
    weightsBytes: 141e9,
  } as const;
  const four = sized({
    kv: { shape, memory: gpus, contextTokens: undefined },
    hardware: { gpus: 4, pricePerHour: null, currency: "$" },
    kneePerSecond: null,
  }).kv;
  assert.ok(Math.abs((four?.memoryBytes ?? 0) - 147e9) < 1);
  assert.deepEqual([four?.contextTokens, four?.requests], [192, 2_392]);
  assert.equal(four?.measured?.at, "maximum rate");
});

test("text and page say the same answer", () => {
  const document = sizingDocument(sized({ plannedPart: 0.8 }));
  assert.match(
    renderDocumentText(document),
    /^400 requests\/s take 14 replicas: 13 of 32\.0 requests\/s each carry it, 1 more for the loss of 1 replica; \$80\.64 an hour at the peak\.\n/,
  );
  assert.match(renderDocumentHtml(document), /<title>400 requests\/s take 14 replicas: /);
});

test("a run without a maximum rate counts no replicas", () => {
  assert.throws(
    () => sized({ run: { ...run, maxRate: undefined, noRateReason: "why" } }),
    /no maximum rate: why/,
  );
});
