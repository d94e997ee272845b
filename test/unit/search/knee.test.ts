import assert from "node:assert/strict";
import { test } from "node:test";
import { kneedle, mostPower } from "../../../coordinator/search/knee.ts";

const over = (count: number, curve: (x: number) => number) =>
  Array.from({ length: count }, (_, i) => i / (count - 1)).map((x) => ({ x, y: curve(x) }));

test("the knee of the curve that the method was published with is where it was published", () => {
  // Satopää et al., figure 2: y = -1/x + 5 on [0, 1] with x + 0.1, ten points, has its knee at 0.22.
  const knee = kneedle(
    over(10, (x) => -1 / (x + 0.1) + 5),
    { shape: "concave" },
  );
  assert.ok(knee !== undefined && Math.abs(knee - 2 / 9) < 1e-9, String(knee));
});

test("mean time in an M/M/1 queue turns where its distance from the diagonal says", () => {
  // T = 1 / (1 - r) on r in [0, 0.9]: scaled, the distance's derivative is nought at 1 - r = sqrt(0.1).
  const points = over(901, (x) => 1 / (1 - 0.9 * x));
  const knee = (kneedle(points, { shape: "convex" }) ?? NaN) * 0.9;
  assert.ok(Math.abs(knee - (1 - Math.sqrt(0.1))) < 0.002, String(knee));
});

test("a straight line, a curve that bends the other way, and a handful of points have none", () => {
  assert.equal(
    kneedle(
      over(12, (x) => 3 * x + 1),
      { shape: "convex" },
    ),
    undefined,
  );
  assert.equal(
    kneedle(
      over(12, (x) => Math.sqrt(x)),
      { shape: "convex" },
    ),
    undefined,
  );
  assert.equal(
    kneedle(
      over(12, () => 1),
      { shape: "convex" },
    ),
    undefined,
  );
  assert.equal(
    kneedle(
      over(4, (x) => x ** 8),
      { shape: "convex" },
    ),
    undefined,
  );
});

test("neither order, unit nor offset of the points move the knee", () => {
  const points = over(20, (x) => x ** 6);
  const moved = points.map(({ x, y }) => ({ x: 50 * x + 7, y: 900 * y + 40 })).reverse();
  const knee = kneedle(points, { shape: "convex" }) ?? NaN;
  assert.ok(Math.abs((kneedle(moved, { shape: "convex" }) ?? NaN) - (50 * knee + 7)) < 1e-9);
});

test("an M/M/1 queue has the most power at half its capacity", () => {
  const points = [1, 2, 3, 4, 5, 6, 7, 8, 9].map((x) => ({ x, y: 1 / (10 - x) }));
  assert.equal(mostPower(points), 5);
  assert.equal(mostPower([{ x: 1, y: 0 }]), undefined);
});
