import assert from "node:assert/strict";
import { test } from "node:test";
import { replicaTime } from "../../../coordinator/calibrate/replica-time.ts";
import { replicasNeeded, shortagesOf } from "../../../coordinator/calibrate/scale-up-lag.ts";

const S = 1e9;
const at = (second: number, replicas: number): { atNs: number; replicas: number } => ({
  atNs: second * S,
  replicas,
});

test("a sample holds until the next one, and a stretch cuts it on both sides", () => {
  const samples = [at(0, 1), at(4, 3), at(8, 2)];
  const time = replicaTime(samples, { fromNs: 2 * S, untilNs: 10 * S }, 100 * S);
  assert.deepEqual(time, { replicaSeconds: 2 + 12 + 4, seenS: 8, average: 18 / 8 });
});

test("a scraper that fell silent leaves a gap, which is not counted", () => {
  const time = replicaTime([at(0, 2), at(10, 4)], { fromNs: 0, untilNs: 12 * S }, 3 * S);
  assert.deepEqual(time, { replicaSeconds: 6 + 8, seenS: 5, average: 14 / 5 });
});

test("nothing seen has no average", () => {
  const time = replicaTime([at(20, 2)], { fromNs: 0, untilNs: 12 * S }, 3 * S);
  assert.deepEqual(time, { replicaSeconds: 0, seenS: 0, average: undefined });
});

test("a rate asks for whole replicas, within the autoscaler's bounds, and for none within its tolerance", () => {
  const bounds = { min: 1, max: 4 };
  assert.deepEqual(
    [0, 10, 11, 11.1, 22.1, 100].map((rate) => replicasNeeded(rate, 10, bounds)),
    [1, 1, 1, 2, 3, 4],
  );
});

test("the lag runs from the load's rise until the replicas are there", () => {
  const shortages = shortagesOf([at(0, 1), at(5, 3)], [at(0, 1), at(7, 2), at(9, 3)]);
  assert.deepEqual(shortages, [{ fromNs: 5 * S, untilNs: 9 * S }]);
});

test("a further rise prolongs a shortage, and a fleet shrunk too early begins one", () => {
  const needs = [at(0, 1), at(2, 2), at(4, 3)];
  const shortages = shortagesOf(needs, [at(0, 1), at(5, 2), at(6, 3), at(8, 2), at(9, 3)]);
  assert.deepEqual(shortages, [
    { fromNs: 2 * S, untilNs: 6 * S },
    { fromNs: 8 * S, untilNs: 9 * S },
  ]);
});

test("a fleet that never grows has a shortage without an end", () => {
  assert.deepEqual(shortagesOf([at(0, 1), at(3, 2)], [at(0, 1), at(6, 1)]), [
    { fromNs: 3 * S, untilNs: undefined },
  ]);
});

test("before the first sample nothing is said", () => {
  assert.deepEqual(shortagesOf([at(0, 2)], [at(4, 2)]), []);
});
