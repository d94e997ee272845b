import assert from "node:assert/strict";
import { test } from "node:test";
import {
  needsOf,
  plannedReplicas,
  rampDurationS,
  rampRateAt,
} from "../../../coordinator/calibrate/verify-ramp.ts";

const RAMP = { fromPerSecond: 10, toPerSecond: 40, durationS: 300 };
const PLAN = { plannedPerSecond: 10, minReplicas: 1, maxReplicas: 10 };

test("a ramp is as long as its growth at the start takes it", () => {
  assert.equal(rampDurationS(RAMP, 0.01), 300);
  assert.equal(rampRateAt(RAMP, 1), 10.1);
});

test("each replica more is asked for when the load is a tenth past what there are carry", () => {
  const needs = needsOf(RAMP, PLAN, 5e9).map(({ atNs, replicas }) => [
    Math.round((atNs - 5e9) / 1e9),
    replicas,
  ]);
  // 11, 22 and 33 requests/s, at 0.1 requests/s a second.
  assert.deepEqual(needs, [
    [0, 1],
    [10, 2],
    [120, 3],
    [230, 4],
  ]);
});

test("no more are asked for than the autoscaler may start", () => {
  const needs = needsOf(RAMP, { ...PLAN, maxReplicas: 2 }, 0);
  assert.deepEqual(
    needs.map(({ replicas }) => replicas),
    [1, 2],
  );
});

test("the replicas planned are those asked for, averaged over the ramp", () => {
  const planned = plannedReplicas(RAMP, PLAN);
  assert.ok(Math.abs(planned - (10 * 1 + 110 * 2 + 110 * 3 + 70 * 4) / 300) < 1e-3);
});
