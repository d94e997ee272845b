import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { headroomFraction } from "../../../coordinator/calibrate/headroom.ts";
import { bindingOf, constraintsOf, withRedundancy } from "../../../coordinator/size/replicas.ts";

const perReplica = {
  requestsPerSecond: 40,
  promptTokensPerSecond: 5_120,
  outputTokensPerSecond: 2_560,
};

function load(
  requestsPerSecond: number,
  prompt: number | null = null,
  output: number | null = null,
) {
  return { requestsPerSecond, promptTokensPerSecond: prompt, outputTokensPerSecond: output };
}

test("growth of 20 % a minute over 150 s leaves two thirds of a replica to plan with", () => {
  assert.ok(Math.abs(headroomFraction(0.2 / 60, 150) - 2 / 3) < 1e-12);
  assert.equal(headroomFraction(0, 150), 1);
});

test("400 requests/s on replicas of 40 take 10, and 13 with a fifth kept free", () => {
  assert.equal(bindingOf(constraintsOf(load(400), { perReplica, part: 1 })).replicas, 10);
  assert.equal(bindingOf(constraintsOf(load(400), { perReplica, part: 0.8 })).replicas, 13);
  assert.equal(bindingOf(constraintsOf(load(0.3), { perReplica: load(0.1), part: 1 })).replicas, 3);
});

test("longer answers than were measured bind by their tokens, shorter ones do not help", () => {
  const longer = bindingOf(constraintsOf(load(400, 51_200, 76_800), { perReplica, part: 1 }));
  assert.deepEqual([longer.kind, longer.replicas], ["outputTokensPerSecond", 30]);
  const shorter = bindingOf(constraintsOf(load(400, 10, 10), { perReplica, part: 1 }));
  assert.deepEqual([shorter.kind, shorter.replicas], ["requestsPerSecond", 10]);
});

test("five that are needed are six with a spare, and eight over three zones", () => {
  assert.equal(withRedundancy(5, { kind: "spare", replicas: 1 }), 6);
  assert.equal(withRedundancy(5, { kind: "zones", zones: 3 }), 8);
  assert.equal(withRedundancy(10, { kind: "zones", zones: 2 }), 20);
});

test("whatever zone is lost, enough are left, and one fewer would not do", () => {
  fc.assert(
    fc.property(
      fc.integer({ min: 1, max: 500 }),
      fc.integer({ min: 2, max: 9 }),
      (needed, zones) => {
        const left = (total: number): number => total - Math.ceil(total / zones);
        const total = withRedundancy(needed, { kind: "zones", zones });
        assert.ok(left(total) >= needed);
        assert.ok(left(total - 1) < needed);
      },
    ),
  );
});
