import assert from "node:assert/strict";
import { test } from "node:test";
import type { FifoConfig, TokenSpread } from "../../../simulator/scheduler/config.ts";
import { createScheduler } from "../../../simulator/scheduler/scheduler.ts";
import { md1MaxRate, mmcMaxRate, mmcSojournTail } from "../../../simulator/theory.ts";
import { poissonRequests, record, serve, told } from "./virtual-load.ts";
import type { Told } from "./virtual-load.ts";

const MS = 1e6;

function fifo(slots: number, service: FifoConfig["service"], spread?: TokenSpread): FifoConfig {
  return { kind: "fifo", slots, service, spread: spread ?? { kind: "after-service", gapNs: 0 } };
}

const fixed = (ms: number): FifoConfig["service"] => ({ kind: "fixed", meanNs: ms * MS });
const exponential = (ms: number): FifoConfig["service"] => ({
  kind: "exponential",
  meanNs: ms * MS,
});

function ttftOverFraction(requests: readonly Told[], limitS: number): number {
  // The first tenth is the filling of an empty queue.
  const settled = requests.slice(requests.length / 10);
  const over = settled.filter((one) => one.tokensAtNs[0]! - one.arrivedAtNs > limitS * 1e9);
  return over.length / settled.length;
}

test("slots serve in the order of arrival, and a freed slot starts the next at that instant", () => {
  const requests = [0, 1, 2, 3].map((atMs, index) => told(index, atMs * MS));
  serve(fifo(2, fixed(10)), requests);

  assert.deepEqual(
    requests.map((one) => one.startedAtNs / MS),
    [0, 1, 10, 11],
  );
  assert.deepEqual(
    requests.map((one) => one.doneAtNs / MS),
    [10, 11, 20, 21],
  );
});

test("after-service: the slot is free with the first token, the others come at the gap", () => {
  const requests = [told(0, 0, 3), told(1, 0, 1)];
  serve(fifo(1, fixed(10), { kind: "after-service", gapNs: 7 * MS }), requests);

  assert.deepEqual(requests[0]!.tokensAtNs, [10 * MS, 17 * MS, 24 * MS]);
  assert.equal(requests[1]!.startedAtNs, 10 * MS);
});

test("in-service: the slot is kept to the last token", () => {
  const requests = [told(0, 0, 3), told(1, 0, 1)];
  serve(fifo(1, fixed(10), { kind: "in-service", gapNs: 7 * MS }), requests);

  assert.deepEqual(requests[0]!.tokensAtNs, [10 * MS, 17 * MS, 24 * MS]);
  assert.equal(requests[1]!.startedAtNs, 24 * MS);
});

test("within-service: tokens divide the service, and a single token comes at its end", () => {
  const requests = [told(0, 0, 5), told(1, 0, 1)];
  const spread = { kind: "within-service", firstTokenFraction: 0.2 } as const;
  serve(fifo(1, fixed(10), spread), requests);

  assert.deepEqual(
    requests[0]!.tokensAtNs.map((atNs) => Math.round(atNs / MS)),
    [2, 4, 6, 8, 10],
  );
  assert.deepEqual(requests[1]!.tokensAtNs, [20 * MS]);
});

test("a client that leaves the line or its slot makes room at that instant", () => {
  const scheduler = createScheduler<Told>(fifo(1, fixed(10)), 1);
  const [first, second, third] = [told(0, 0, 4), told(1, 0), told(2, 0)];
  const firstJob = scheduler.arrive(0, first);
  const secondJob = scheduler.arrive(0, second);
  scheduler.arrive(0, third);

  scheduler.advance(3 * MS, record);
  assert.deepEqual([scheduler.running(), scheduler.waiting()], [1, 2]);
  scheduler.cancel(3 * MS, secondJob);
  scheduler.cancel(3 * MS, firstJob);
  assert.deepEqual([scheduler.running(), scheduler.waiting()], [0, 1]);
  scheduler.advance(100 * MS, record);

  assert.equal(third.startedAtNs, 3 * MS);
  assert.equal(third.doneAtNs, 13 * MS);
  assert.deepEqual([first.tokensAtNs, second.tokensAtNs], [[], []]);
  assert.equal(scheduler.nextEventAtNs(), Infinity);
});

test("leaving after the slot became free frees no second slot", () => {
  const scheduler = createScheduler<Told>(
    fifo(1, fixed(10), { kind: "after-service", gapNs: 5 * MS }),
    1,
  );
  const first = told(0, 0, 4);
  const job = scheduler.arrive(0, first);
  scheduler.advance(11 * MS, record);
  scheduler.cancel(11 * MS, job);

  const later = [told(1, 11 * MS), told(2, 11 * MS)];
  for (const request of later) scheduler.arrive(11 * MS, request);
  scheduler.advance(12 * MS, record);
  assert.deepEqual([scheduler.running(), scheduler.waiting()], [1, 1]);
});

test("who gave up is forgotten: the line stays as long as those who wait", () => {
  const scheduler = createScheduler<Told>(fifo(1, fixed(1e9)), 1);
  scheduler.arrive(0, told(0, 0));
  scheduler.advance(0, record);
  scheduler.arrive(0, told(1, 0));
  for (let index = 2; index < 50_000; index++) {
    scheduler.cancel(0, scheduler.arrive(0, told(index, 0)));
  }
  assert.equal(scheduler.waiting(), 1);
});

for (const seed of [1, 2]) {
  test(`M/M/4 at its λ* exceeds the limit 1 % of the time (seed ${seed})`, () => {
    const ratePerSecond = mmcMaxRate({ c: 4, mu: 10, limitS: 1, quantile: 0.99 });
    const requests = poissonRequests({ ratePerSecond, count: 400_000, seed, outputTokens: 2 });
    serve(fifo(4, exponential(100)), requests);

    // Clumps of about 40 requests: 360,000 of them weigh as 9,000, so 0.1 % is one standard error.
    const over = ttftOverFraction(requests, 1);
    assert.ok(over > 0.0075 && over < 0.0125, `over ${over}`);
    const half = ttftOverFraction(requests, 0.5);
    const tail = mmcSojournTail({ c: 4, mu: 10, ratePerSecond, timeS: 0.5 });
    assert.ok(Math.abs(half / tail - 1) < 0.06, `over 0.5 s: ${half}, not ${tail}`);
  });
}

test("M/D/1 at its λ* exceeds the limit 1 % of the time (seed 3)", () => {
  const ratePerSecond = md1MaxRate({ serviceS: 0.02, limitS: 0.2, quantile: 0.99 });
  const requests = poissonRequests({ ratePerSecond, count: 400_000, seed: 3 });
  serve(fifo(1, fixed(20)), requests);

  const over = ttftOverFraction(requests, 0.2);
  assert.ok(over > 0.008 && over < 0.012, `over ${over}`);
});

test("lognormal service has the mean and the variation asked for (seed 4)", () => {
  // A rate so low that nobody waits: TTFT is the service time.
  const requests = poissonRequests({ ratePerSecond: 0.001, count: 100_000, seed: 4 });
  serve(fifo(1, { kind: "lognormal", meanNs: 100 * MS, coefficientOfVariation: 0.8 }), requests);

  const services = requests.map((one) => (one.doneAtNs - one.startedAtNs) / MS);
  const mean = services.reduce((sum, one) => sum + one, 0) / services.length;
  const variance = services.reduce((sum, one) => sum + (one - mean) ** 2, 0) / services.length;
  assert.ok(Math.abs(mean - 100) < 1, `mean ${mean}`);
  assert.ok(Math.abs(Math.sqrt(variance) / mean - 0.8) < 0.03, `cv ${Math.sqrt(variance) / mean}`);
});

test("advancing to Infinity serves everyone, and ends", () => {
  const scheduler = createScheduler<Told>(fifo(1, fixed(10)), 1);
  const requests = [told(0, 0, 3), told(1, 0, 3)];
  for (const request of requests) scheduler.arrive(0, request);
  scheduler.advance(Infinity, record);
  assert.deepEqual(
    requests.map((one) => one.doneAtNs / MS),
    [10, 20],
  );
});

test("the same seed gives the same instants, another seed others", () => {
  const run = (seed: number) => {
    const scheduler = createScheduler<Told>(fifo(2, exponential(10)), seed);
    const requests = Array.from({ length: 50 }, (_, index) => told(index, 0));
    for (const request of requests) scheduler.arrive(0, request);
    scheduler.advance(1e12, record);
    return requests.map((one) => one.doneAtNs);
  };
  assert.deepEqual(run(7), run(7));
  assert.notDeepEqual(run(7), run(8));
});
