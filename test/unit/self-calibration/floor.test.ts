import assert from "node:assert/strict";
import { test } from "node:test";
import { agentErrors, quantileOf } from "../../../agent/self-calibration/floor.ts";

test("what the server took is not the agent's, whatever their clocks read", () => {
  const taped = [{ number: 7, sentAtNs: 1_000, contentAtNs: [1_500, 5_600, 9_500] }];
  const logged = [{ number: 7, receivedAtNs: 900_100, writtenAtNs: [900_300, 904_300, 908_300] }];
  // 500 from send to content, of which the server took 200; gaps of 4,100 and 3,900 for 4,000.
  // Their mean is 4,000 on both sides.
  assert.deepEqual(agentErrors(taped, logged), {
    ttftNs: [300],
    gapErrorNs: [100, 100],
    itlErrorNs: [0],
  });
});

test("a request of which either side holds only a part is left out", () => {
  const taped = [
    { number: 1, sentAtNs: 0, contentAtNs: [10] },
    { number: 2, sentAtNs: 0, contentAtNs: [] },
    { number: 3, sentAtNs: 0, contentAtNs: [10] },
  ];
  const logged = [
    { number: 1, receivedAtNs: 0, writtenAtNs: [1, 2] },
    { number: 2, receivedAtNs: 0, writtenAtNs: [1] },
  ];
  assert.deepEqual(agentErrors(taped, logged), { ttftNs: [], gapErrorNs: [], itlErrorNs: [] });
});

test("an answer that was read before its server had stamped it added nothing", () => {
  const { ttftNs } = agentErrors(
    [{ number: 1, sentAtNs: 0, contentAtNs: [10] }],
    [{ number: 1, receivedAtNs: 0, writtenAtNs: [15] }],
  );
  assert.deepEqual(ttftNs, [0]);
});

test("a quantile is the smallest value that so many do not exceed", () => {
  const values = Array.from({ length: 100 }, (_, place) => 100 - place);
  assert.equal(quantileOf(values, 0.5), 50);
  assert.equal(quantileOf(values, 0.99), 99);
  assert.equal(quantileOf([3], 0.99), 3);
  assert.equal(quantileOf([], 0.5), 0);
});
