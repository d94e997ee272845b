import assert from "node:assert/strict";
import { test } from "node:test";
import type { BatchingConfig } from "../../../simulator/scheduler/config.ts";
import { createScheduler } from "../../../simulator/scheduler/scheduler.ts";
import { batchingCapacity, batchingStepS } from "../../../simulator/theory.ts";
import { poissonRequests, record, serve, told } from "./virtual-load.ts";
import type { Told } from "./virtual-load.ts";

const MS = 1e6;

function batching(options: Partial<BatchingConfig> = {}): BatchingConfig {
  return {
    kind: "batching",
    stepBaseNs: 8 * MS,
    perSequenceNs: 1 * MS,
    perPromptTokenNs: 0.1 * MS,
    sequencesMax: 4,
    stepTokensMax: 100,
    ...options,
  };
}

test("one request: a step for the prompt gives the first token, then a step a token", () => {
  const request = told(0, 5 * MS, [3, 20]);
  serve(batching(), [request]);

  // 8 + 20 · 0.1 = 10 ms, then 8 + 1 = 9 ms each.
  assert.deepEqual(request.tokensAtNs, [15 * MS, 24 * MS, 33 * MS]);
  assert.equal(request.doneAtNs, 33 * MS);
});

test("a prompt over the step's budget is prefilled in chunks", () => {
  const request = told(0, 0, [1, 250]);
  serve(batching(), [request]);
  // Chunks of 100, 100 and 50 tokens: 18 + 18 + 13 ms.
  assert.deepEqual(request.tokensAtNs, [49 * MS]);
});

test("those who arrive during a step join the next one; all of a batch share its steps", () => {
  const requests = [told(0, 0, [3, 10]), told(1, 2 * MS, [2, 10])];
  serve(batching(), requests);

  // Steps end at 9; 9 + 8 + 1 + 1 = 19 (decodes 0, prefills 1); 19 + 8 + 2 = 29 (decodes both).
  assert.equal(requests[1]!.startedAtNs, 9 * MS);
  assert.deepEqual(requests[0]!.tokensAtNs, [9 * MS, 19 * MS, 29 * MS]);
  assert.deepEqual(requests[1]!.tokensAtNs, [19 * MS, 29 * MS]);
});

test("no more than the allowed sequences run; the line is served in order", () => {
  const scheduler = createScheduler<Told>(batching({ sequencesMax: 2 }), 1);
  const requests = Array.from({ length: 5 }, (_, index) => told(index, 0, [2, 1]));
  for (const request of requests) scheduler.arrive(0, request);
  scheduler.advance(0, record);
  assert.deepEqual([scheduler.running(), scheduler.waiting(), scheduler.occupancy()], [2, 3, 1]);
  scheduler.advance(1e12, record);

  const starts = requests.map((one) => one.startedAtNs);
  assert.deepEqual(
    starts,
    starts.toSorted((a, b) => a - b),
  );
  assert.equal(new Set(starts).size, 3);
});

test("a sequence that leaves makes room in the next step", () => {
  const scheduler = createScheduler<Told>(batching({ sequencesMax: 1 }), 1);
  const [first, second] = [told(0, 0, [1000, 10]), told(1, 0, [1, 10])];
  const job = scheduler.arrive(0, first);
  scheduler.arrive(0, second);
  scheduler.advance(10 * MS, record);
  scheduler.cancel(10 * MS, job);
  scheduler.advance(1e12, record);

  assert.equal(first.tokensAtNs.length, 1);
  // The step that ran from 9 to 18 ms ends first.
  assert.equal(second.startedAtNs, 18 * MS);
  assert.equal(second.doneAtNs, 27 * MS);
});

test("advancing to Infinity serves everyone, and ends", () => {
  const scheduler = createScheduler<Told>(batching(), 1);
  const request = told(0, 0, [3, 20]);
  scheduler.arrive(0, request);
  scheduler.advance(Infinity, record);
  assert.equal(request.doneAtNs, 28 * MS);
});

const llm = batching({
  stepBaseNs: 8 * MS,
  perSequenceNs: 0.05 * MS,
  perPromptTokenNs: 0.05 * MS,
  sequencesMax: 256,
  stepTokensMax: 512,
});
const mean = { a: 0.008, b: 5e-5, c: 5e-5, promptTokens: 64, outputTokens: 128 };

test("below saturation the mean step is a / (1 − λ/λ∞) (seed 5)", () => {
  const ratePerSecond = 40;
  const requests = poissonRequests({
    ratePerSecond,
    count: 4000,
    seed: 5,
    outputTokens: 128,
    promptTokens: 64,
  });
  serve(llm, requests);

  const itlsS = requests.slice(1000).map((one) => {
    const last = one.tokensAtNs.at(-1)!;
    return (last - one.tokensAtNs[0]!) / 1e9 / (one.outputTokens - 1);
  });
  const measuredS = itlsS.reduce((sum, one) => sum + one, 0) / itlsS.length;
  assert.ok(
    Math.abs(measuredS / batchingStepS(mean, ratePerSecond) - 1) < 0.02,
    `${measuredS} s, not ${batchingStepS(mean, ratePerSecond)} s`,
  );
});

test("a backlog is served at M / (aO + M(cP + bO))", () => {
  const requests = Array.from({ length: 6000 }, (_, index) => told(index, 0, [128, 64]));
  serve({ ...llm, sequencesMax: 64 }, requests);

  const [first, last] = [requests[1000]!.doneAtNs, requests[5000]!.doneAtNs];
  const measured = 4000 / ((last - first) / 1e9);
  const expected = batchingCapacity({ ...mean, M: 64 });
  assert.ok(Math.abs(measured / expected - 1) < 0.03, `${measured}/s, not ${expected}/s`);
});
